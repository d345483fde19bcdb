/** Where a test puts its hand between a request and its answer: interceptors around handlers, and errors planted for single partitions. */
import type { Api, ReceivedRequestOf, SentResponseOf } from '../protocol/schema.ts';

/** Instead of an answer: none is sent, and the connection stays open. What Produce with acks=0 looks like, and a lost packet. */
export const NO_ANSWER: unique symbol = Symbol('no answer');
/** Instead of an answer: the connection is closed. */
export const HANG_UP: unique symbol = Symbol('hang up');

/** The body of an answer. `throttleTimeMs` may be left out: the broker fills it in. */
export type AnswerBody<A extends Api = Api> = Omit<SentResponseOf<A>, 'throttleTimeMs'> & { readonly throttleTimeMs?: number };

/** What becomes of a request. */
export type Answer<A extends Api = Api> = AnswerBody<A> | typeof NO_ANSWER | typeof HANG_UP;

/** Whose request it is, for an interceptor. */
export interface RequestInfo {
  /** The broker that was asked. */
  readonly brokerId: number;
  readonly apiVersion: number;
  readonly clientId: string | null;
  /** `ip:port` of the client. */
  readonly peer: string;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

/** Sees a request before its handler. `proceed` runs the next interceptor, or the handler; what is returned here is what the client gets. */
export type Interceptor<A extends Api = Api> = (
  request: ReceivedRequestOf<A>,
  proceed: () => Promise<Answer<A>>,
  info: RequestInfo,
) => Promise<Answer<A>> | Answer<A>;

interface Registration {
  readonly key: number;
  readonly intercept: Interceptor;
}

/** The interceptors of a cluster; the one added last is the outermost. */
export class Interceptors {
  #registered: readonly Registration[] = [];

  /** Returns the function that takes it out again. */
  add<A extends Api>(api: A, intercept: Interceptor<A>): () => void {
    const registration = { key: api.key, intercept: intercept as unknown as Interceptor };
    this.#registered = [...this.#registered, registration];
    return () => {
      this.#registered = this.#registered.filter((other) => other !== registration);
    };
  }

  run(api: Api, request: ReceivedRequestOf<Api>, info: RequestInfo, handle: () => Promise<Answer>): Promise<Answer> {
    const proceed = this.#registered
      .filter(({ key }) => key === api.key)
      .reduce<() => Promise<Answer>>(
        (next, { intercept }) =>
          async () =>
            intercept(request, next, info),
        handle,
      );
    return proceed();
  }
}

/** Rewrites the encoded answers of an API, length bytes included, just before they are written. */
export type Tamper = (frame: Buffer) => Buffer;

/** What a test does to answers that are already bytes. */
export class Tampering {
  #registered: readonly { readonly key: number; readonly broker: number | undefined; left: number; readonly tamper: Tamper }[] = [];

  add(key: number, broker: number | undefined, times: number, tamper: Tamper): () => void {
    const entry = { key, broker, left: times, tamper };
    this.#registered = [...this.#registered, entry];
    return () => {
      this.#registered = this.#registered.filter((other) => other !== entry);
    };
  }

  apply(key: number, broker: number, chunks: readonly Buffer[]): readonly Buffer[] {
    const entry = this.#registered.find((each) => each.left > 0 && each.key === key && (each.broker ?? broker) === broker);
    if (entry === undefined) return chunks;
    entry.left--;
    return [entry.tamper(Buffer.concat(chunks))];
  }
}

/** An error that a test planted. */
export interface PlantedError {
  readonly key: number;
  readonly errorCode: number;
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  readonly broker: number | undefined;
}

/** Errors to be answered for single topics or partitions; each is used up after `times` answers. */
export class PlantedErrors {
  #planted: readonly { readonly error: PlantedError; readonly uses: { left: number } }[] = [];

  plant(error: PlantedError, times: number): () => void {
    const entry = { error, uses: { left: times } };
    this.#planted = [...this.#planted, entry];
    return () => {
      this.#planted = this.#planted.filter((other) => other !== entry);
    };
  }

  /** The code to answer for this item, or 0. */
  take(key: number, broker: number, topic: string | undefined, partition: number | undefined): number {
    const entry = this.#planted.find(
      ({ error, uses }) =>
        uses.left > 0 &&
        error.key === key &&
        (error.broker === undefined || error.broker === broker) &&
        (error.topic === undefined || error.topic === topic) &&
        (error.partition === undefined || error.partition === partition),
    );
    if (entry === undefined) return 0;
    entry.uses.left--;
    if (entry.uses.left === 0) this.#planted = this.#planted.filter((other) => other !== entry);
    return entry.error.errorCode;
  }
}
