/** The task `AutoCreateMirror`: source topics that the filters select get mirrors, the ones there are and those that appear. */
import { createMirror } from './create-mirror.ts';
import { NameFilters } from './filters/name-filters.ts';
import { Gate } from './gate.ts';
import { MirrorFailure } from './mirror-failure.ts';
import { mirrorNames } from './mirror-names.ts';
import type { Mirrors } from './mirrors.ts';
import { legalName } from './options.ts';
import type { PrepareContext } from './plan-topics.ts';
import { type TaskError, type TaskErrorCode, type TaskResult, taskError } from './tasks/task.ts';

export interface AutoCreateContext {
  readonly context: PrepareContext;
  readonly mirrors: Mirrors;
}

const TOPICS_AT_ONCE = 8;

export class AutoCreate {
  readonly #context: AutoCreateContext;

  constructor(context: AutoCreateContext) {
    this.#context = context;
  }

  /** Topics that cannot be mirrored are told one by one, and tried again at the next run. */
  async run(signal: AbortSignal): Promise<TaskResult> {
    const { context, mirrors } = this.#context;
    const { settings } = context.options;
    const filters = new NameFilters('topicFilters', settings.autoCreateMirrorTopicsFilters);
    const prefix = settings.clusterLinkPrefix ?? '';
    const topics = await context.source.listTopics({ signal });
    const wanted = topics.filter(
      ({ name, isInternal }) => !isInternal && filters.selects(name) && mirrors.get(mirrorNames(prefix, name).topic) === undefined,
    );
    const errors: TaskError[] = [];
    let created = 0;
    const gate = new Gate(TOPICS_AT_ONCE);
    const one = async (name: string): Promise<void> => {
      try {
        const { prepared } = await createMirror(context, mirrors, name, { signal });
        if (prepared === null || mirrors.get(prepared.stored.topic) !== undefined) return;
        mirrors.adopt(prepared);
        created++;
      } catch (error) {
        signal.throwIfAborted();
        errors.push(taskError(error, name, codeOf(error, mirrorNames(prefix, name).topic)));
      }
    };
    await Promise.all(wanted.map(({ name }) => gate.run(() => one(name))));
    return { counts: { topics: wanted.length, created }, errors };
  }
}

/** The product's words for what it has words for here alone. */
const codeOf = (error: unknown, topic: string): TaskErrorCode | undefined => {
  if (error instanceof MirrorFailure && error.reason === 'DESTINATION_DIVERGED') return 'TOPIC_EXISTS_ERROR';
  return legalName(topic) ? undefined : 'INVALID_TOPIC';
};
