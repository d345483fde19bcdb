/** One broker process of a test cluster: format, start, stop, kill, start again on the same port and data. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Jvm, startJvm } from './jvm.ts';
import { type ClusterView, probe } from './probe.ts';
import type { BrokerAddress } from './properties.ts';

interface BrokerSetup {
  readonly address: BrokerAddress;
  readonly listeners: Readonly<Record<string, number>>;
  readonly dataDir: string;
  readonly propertiesFile: string;
  readonly classpath: string;
  readonly heapMb: number;
  readonly jvmArgs: readonly string[];
}

/** Between two attempts to reach a broker that is starting. */
const PROBE_INTERVAL_MS = 100;

/** One broker of a running cluster; it may be down for a while. */
export class KafkaBroker {
  readonly id: number;
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly dataDir: string;
  readonly #setup: BrokerSetup;
  #jvm: Jvm | undefined;
  #spawning: Promise<unknown> | undefined;

  /** Made by `startKafka`. */
  constructor(setup: BrokerSetup) {
    this.id = setup.address.id;
    this.port = setup.address.port;
    this.dataDir = setup.dataDir;
    this.#setup = setup;
  }

  /** The process id; undefined while it is down. */
  get pid(): number | undefined {
    return this.running ? this.#jvm?.pid : undefined;
  }

  get running(): boolean {
    return this.#jvm?.running ?? false;
  }

  /** The port of an extra listener. Throws if there is no such listener. */
  listenerPort(listener: string): number {
    const port = this.#setup.listeners[listener];
    if (port === undefined) throw new RangeError(`this cluster has no listener ${listener}`);
    return port;
  }

  /** Writes the KRaft meta data into the data directory. Done once by `startKafka`. */
  async format(clusterId: string): Promise<void> {
    const jvm = await this.#java(['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', this.#setup.propertiesFile], 64);
    const { code } = await jvm.exited;
    if (code !== 0) throw new Error(`formatting the data directory of broker ${this.id} failed\n${jvm.tail()}`);
  }

  /** Starts the process and returns at once; {@link awaitReady} waits for it. */
  async launch(): Promise<void> {
    if (this.running) throw new Error(`broker ${this.id} is running`);
    await this.#java(['kafka.Kafka', this.#setup.propertiesFile], this.#setup.heapMb);
  }

  /** Starts the broker on its old port and data and waits until it serves again. */
  async start(timeoutMs = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      await this.launch();
      try {
        return await this.awaitReady([this.id], deadline - performance.now());
      } catch (error) {
        // After a kill -9 ZooKeeper keeps the registration until the session ends, and a 2.x broker that meets it exits.
        if (this.running || !this.logTail().includes('NodeExistsException')) throw error;
      }
    }
  }

  /** Graceful: leadership is handed over, the log is flushed. Resolves when the process is gone; one that hangs is killed after `timeoutMs`. */
  async stop(timeoutMs = 30_000): Promise<void> {
    const jvm = this.#jvm;
    if (!jvm?.running) return;
    jvm.signal('SIGTERM');
    const hard = setTimeout(() => jvm.signal('SIGKILL'), timeoutMs);
    await jvm.exited;
    clearTimeout(hard);
  }

  /** `kill -9`, or another signal. Resolves when the process is gone, or at once after a signal it survives (SIGSTOP, SIGCONT). */
  async kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT' = 'SIGKILL'): Promise<void> {
    // One that is just being spawned is hit too, and so is the format command.
    await this.#spawning;
    this.#jvm?.signal(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await this.#jvm?.exited;
  }

  /** Who this broker says is in the cluster. Rejects while it does not answer. */
  view(): Promise<ClusterView> {
    return probe(this.host, this.port);
  }

  /** Resolves when this broker answers and lists all of `ids` as alive. Rejects with its log when it dies or `timeoutMs` passes. */
  async awaitReady(ids: readonly number[] = [this.id], timeoutMs = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    let last: unknown = 'it did not answer';
    while (this.running && performance.now() < deadline) {
      try {
        const { brokerIds } = await this.view();
        if (ids.every((id) => brokerIds.includes(id))) return;
        last = `it lists only the brokers ${brokerIds.join(', ')} of ${ids.join(', ')}`;
      } catch (error) {
        last = error;
      }
      await delay(PROBE_INTERVAL_MS);
    }
    const why = this.running ? `was not ready within ${timeoutMs} ms: ${last instanceof Error ? last.message : last}` : 'died';
    throw new Error(`broker ${this.id} ${why}\n${this.logTail()}`);
  }

  /** The last lines it logged. */
  logTail(): string {
    return this.#jvm?.tail() ?? '';
  }

  async #java(args: readonly string[], heapMb: number): Promise<Jvm> {
    const spawning = startJvm({
      classpath: this.#setup.classpath,
      mainClass: 'Guard',
      args,
      jvmArgs: [`-Xmx${heapMb}m`, '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', ...this.#setup.jvmArgs],
      cwd: this.dataDir,
    });
    this.#spawning = spawning.catch(() => undefined);
    this.#jvm = await spawning;
    return this.#jvm;
  }
}
