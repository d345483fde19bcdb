/** Repairs failed mirrors: says what it will do, asks for consent where something is lost, and takes the steps, also those of a process before this one. */
import { LinkError } from '../../errors.ts';
import type { MirrorTopic } from '../mirror-topic.ts';
import { transition } from '../states/mirror-transitions.ts';
import { isMakingAnew, type StoredRepair } from '../store/link-store.ts';
import { type AskContext, eachMirror, type MirrorOutcome } from './each-mirror.ts';
import type { OperationOptions } from './operations.ts';
import type { RepairPlan } from './repair-plan.ts';
import { CHANGES_NOTHING, REPAIR_STEPS, type RepairContext } from './repair-steps.ts';
import type { MirrorSelection } from './selection.ts';
import type { SurveyedRepair } from './survey-repair.ts';

export interface RepairOptions extends OperationOptions {
  /**
   * Consent to lose what the mirror has and its source does not: `lostOffsets` of the plan. Without it a repair that loses something is refused
   * with `KLINK_LOSS`. Default false.
   */
  readonly acceptLoss?: boolean;
}

/** What became of a mirror that was to be repaired. */
export interface RepairOutcome extends MirrorOutcome {
  /** What the repair does, or would do; null when it cannot be told, or when a repair under way was only waited for. */
  readonly plan: RepairPlan | null;
}

export interface RepairsContext extends AskContext {
  readonly survey: (mirror: MirrorTopic, signal: AbortSignal) => Promise<SurveyedRepair>;
  readonly steps: RepairContext;
  /** Takes again what may pass, for as long as it takes. */
  readonly patiently: <T>(topic: string, attempt: () => Promise<T>, signal: AbortSignal) => Promise<T>;
  /** Mirrors into the topic that is there, from the comparison of both logs on. False when it is not that of this id. */
  readonly beginAnew: (topic: string, topicId: string | null, signal: AbortSignal) => Promise<boolean>;
  readonly wallTime: () => number;
  readonly failed: (topic: string, step: string, error: LinkError) => void;
}

export class Repairs {
  readonly #context: RepairsContext;
  /** By topic: whoever asks again waits for the same one. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(context: RepairsContext) {
    this.#context = context;
  }

  async repair(
    selection: MirrorSelection,
    { validateOnly = false, acceptLoss = false, ...wait }: RepairOptions = {},
  ): Promise<readonly RepairOutcome[]> {
    const plans = new Map<string, RepairPlan>();
    const outcomes = await eachMirror(this.#context, 'repair', selection, wait, async (mirror, signal) => {
      if (isMakingAnew(mirror.stored.repair)) {
        if (!validateOnly) await this.#begin(mirror.topic);
        return;
      }
      const { plan, stored } = await this.#context.survey(mirror, signal);
      plans.set(mirror.topic, plan);
      if (plan.lostOffsets > 0n && !acceptLoss) throw lossy(plan);
      if (!validateOnly) await this.#start(mirror, plan, stored, signal);
    });
    return outcomes.map((outcome) => ({ ...outcome, plan: plans.get(outcome.topic) ?? null }));
  }

  /** Goes on with what a process before this one has begun. Never rejects. */
  async resumeRepairs(): Promise<void> {
    const pending = this.#context.mirrors.all.filter(({ stored, lasting }) => stored.repair != null && lasting !== 'STOPPED');
    await Promise.all(pending.map(({ topic }) => this.#begin(topic).catch(() => {})));
  }

  async #start(mirror: MirrorTopic, plan: RepairPlan, stored: SurveyedRepair['stored'], signal: AbortSignal): Promise<void> {
    const { topic } = mirror;
    const { mirrors, facts, steps, beginAnew, wallTime } = this.#context;
    if (!this.#underWay.has(topic)) {
      signal.throwIfAborted();
      // It took a while to look at everything.
      const outcome = transition(mirror.facts(facts()), 'repair');
      if (mirrors.get(topic) !== mirror || !outcome.allowed)
        throw new LinkError('KLINK_STATE', `Mirror topic '${topic}' has changed while its repair was planned: ask again`, {
          retriable: true,
        });
      const { offsets } = mirror.stored.repair ?? {};
      const repair: StoredRepair = { at: wallTime(), ...stored, ...(offsets !== undefined && { offsets }) };
      const first =
        plan.method === 'continue'
          ? steps.halt(topic, signal).then(() => beginAnew(topic, stored.topicId, signal))
          : mirrors.change(mirror, { repair }, signal);
      return this.#enter(topic, first);
    }
    return this.#begin(topic);
  }

  #begin(topic: string): Promise<void> {
    return this.#underWay.get(topic) ?? this.#enter(topic, Promise.resolve());
  }

  #enter(topic: string, first: Promise<unknown>): Promise<void> {
    const done = first
      .then(() => this.#run(topic, this.#context.closing))
      .finally(() => {
        this.#underWay.delete(topic);
      });
    done.catch(() => {});
    this.#underWay.set(topic, done);
    return done;
  }

  async #run(topic: string, signal: AbortSignal): Promise<void> {
    const { mirrors, steps, patiently, failed } = this.#context;
    for (;;) {
      const { repair } = mirrors.known(topic).stored;
      const at = REPAIR_STEPS.findIndex(({ step }) => step === repair?.step);
      const current = REPAIR_STEPS[at];
      if (repair == null || current === undefined) return;
      try {
        signal.throwIfAborted();
        const learned = await patiently(topic, () => current.take(steps, topic, repair, signal), signal);
        if (learned === null) return;
        const next = REPAIR_STEPS[at + 1];
        await patiently(
          topic,
          () => this.#save(topic, next === undefined ? null : { ...repair, ...learned, step: next.step }, signal),
          signal,
        );
      } catch (thrown) {
        const error = LinkError.from(signal.aborted ? (signal.reason ?? thrown) : thrown);
        failed(topic, current.name, error);
        if (CHANGES_NOTHING.has(current.step) && !signal.aborted) await this.#context.beginAnew(topic, repair.topicId, signal);
        throw error;
      }
    }
  }

  #save(topic: string, repair: StoredRepair | null, signal: AbortSignal): Promise<void> {
    return this.#context.mirrors.change(this.#context.mirrors.known(topic), { repair }, signal);
  }
}

const lossy = ({ topic, lostOffsets, text }: RepairPlan): LinkError =>
  new LinkError(
    'KLINK_LOSS',
    `The repair of mirror topic '${topic}' would delete ${lostOffsets} offset(s) that the source does not have. Nothing was changed. ` +
      `Read them from the mirror first if they are of value; with acceptLoss it is done:\n${text}`,
  );
