/** What repairing a mirror needs of the parts of a running link. */
import type { Cluster } from '../../client/cluster.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import type { Change } from '../change.ts';
import { deleteTopic } from '../delete-topic.ts';
import { establishTopics } from '../establish.ts';
import type { LinkTasks } from '../link-tasks.ts';
import type { Mirrors } from '../mirrors.ts';
import { type PrepareContext, planTopics, sourceGone } from '../plan-topics.ts';
import type { StoredRepair } from '../store/link-store.ts';
import { GroupAdmin } from '../tasks/group-admin.ts';
import { highest, limited, merged, putBack, readCommitted } from '../tasks/kept-offsets.ts';
import { ListedMirrorLogs } from '../tasks/mirror-logs.ts';
import { describeConfigs } from '../tasks/topic-config-admin.ts';
import { alterTopicConfigs } from '../topic-admin.ts';
import { REQUIRED_TOPIC_CONFIGS } from '../topic-configs.ts';
import type { AskContext } from './each-mirror.ts';
import type { KeptTopic, RepairContext } from './repair-steps.ts';
import type { RepairsContext } from './repairs.ts';
import type { StopContext } from './stop-steps.ts';
import { type SurveyContext, surveyRepair } from './survey-repair.ts';

export interface RepairParts {
  readonly context: PrepareContext;
  readonly mirrors: Mirrors;
  readonly tasks: LinkTasks;
  readonly change: Change;
  readonly stop: Pick<StopContext, 'rest' | 'atRest'>;
  readonly probe: SurveyContext['probe'];
}

export const repairsContext = (parts: RepairParts): Omit<RepairsContext, keyof AskContext | 'failed'> => {
  const { context, mirrors, tasks, probe } = parts;
  const { destination, options } = context;
  return {
    survey: (mirror, signal) => surveyRepair({ context, probe }, mirror, signal),
    steps: repairSteps(parts),
    wallTime: () => options.clock.wallTime(),
    patiently: (topic, attempt, signal) =>
      destination.retry(
        async (count) => {
          if (count > 1) await destination.refreshMetadata([topic], signal);
          return attempt();
        },
        { timeoutMs: Number.POSITIVE_INFINITY, signal },
      ),
    beginAnew: async (topic, topicId, signal) => {
      await destination.refreshMetadata([topic], signal);
      const found = destination.metadata.topic(topic);
      if (topicId === null || found?.topicId !== topicId) return false;
      const mirror = mirrors.known(topic);
      if (mirror.stored.repair != null) await mirrors.change(mirror, { repair: null }, signal);
      mirrors.adopt({ stored: { ...mirror.stored, history: mirror.history }, partitions: found.partitions.length, failure: null });
      await tasks.offsets.topicsChanged();
      return true;
    },
  };
};

const repairSteps = ({ context, mirrors, tasks, change, stop }: RepairParts): RepairContext => {
  const { destination, options } = context;
  const { clock, settings } = options;
  return {
    halt: async (topic, signal) => {
      const mirror = mirrors.known(topic);
      stop.rest(mirror, true);
      await stop.atRest(mirror, signal);
      mirrors.suspend(mirror);
      await tasks.offsets.topicsChanged();
    },
    describe: (topic, topicId, signal) => describeTopic(destination, topic, topicId, signal),
    committed: async (topic, limits, signal) => {
      const before = mirrors.known(topic).stored.repair?.offsets ?? {};
      return limited(merged(await readCommitted(new GroupAdmin(destination), topic, signal), before), limits);
    },
    sourceIsThere: async (topic, signal) => {
      const { sourceTopic } = mirrors.known(topic);
      const { source } = context;
      const why = await source
        .retry((_, given) => source.refreshMetadata([sourceTopic], given), { timeoutMs: settings.requestTimeoutMs, signal })
        .then(() => (source.metadata.topic(sourceTopic)?.errorCode === ErrorCode.NONE ? null : sourceGone(sourceTopic)), LinkError.from);
      if (why === null) return;
      throw new LinkError(
        'KLINK_STATE',
        `The mirror topic '${topic}' is not deleted to be made anew, since it may be the only copy: ${why.message}`,
        { cause: why },
      );
    },
    remove: (topic, topicId, signal) =>
      deleteTopic(destination, { name: topic, topicId }, { clock, timeoutMs: settings.requestTimeoutMs, signal }),
    create: async (topic, repair, signal) => {
      const { sourceTopic } = mirrors.known(topic);
      const asked = { ...context, signal, options: optionsFor(options, repair) };
      const plans = await planTopics(asked, [{ topic, sourceTopic }]);
      const [prepared] = await establishTopics(asked, plans);
      if (prepared === undefined) throw new LinkError('KLINK_INTERNAL', `Mirror topic '${topic}' was planned and not made`);
      // A consumer that looked for its topic may have had it made by a broker, with that broker's defaults.
      const missing = Object.entries(repair.configs ?? {}).filter(([name]) => !REQUIRED_TOPIC_CONFIGS.has(name));
      if (plans[0]?.create === null && missing.length > 0) await alterTopicConfigs(destination, topic, missing, signal);
      mirrors.adopt(prepared);
      await tasks.offsets.topicsChanged();
    },
    copied: async (topic, kept, signal) => {
      const ends = highest(kept);
      let isStopped = false;
      const isThere = (): boolean => {
        const { lasting, failure, partitions } = mirrors.known(topic);
        isStopped = lasting === 'PENDING_STOPPED' || lasting === 'STOPPED';
        if (isStopped) return true;
        if (failure !== null) throw failure;
        return [...ends].every(([partition, end]) => {
          const found = partitions[partition];
          return found === undefined || found.ackedOffset >= end || (found.phase === 'mirroring' && found.lag === 0);
        });
      };
      await change.until(isThere, Number.POSITIVE_INFINITY, signal, () => `${topic} is still being copied`);
      return !isStopped;
    },
    putBack: async (topic, kept, signal) => {
      for (const { error } of await putBack(new GroupAdmin(destination), new ListedMirrorLogs(destination), topic, kept, signal))
        options.logger.warn({ link: options.name, topic, error }, 'committed offsets could not be put back');
    },
  };
};

/** As the mirror was, whatever the link is set to for new ones. */
const optionsFor = (options: PrepareContext['options'], { replicationFactor, configs }: StoredRepair): PrepareContext['options'] =>
  Object.create(options, {
    ...(replicationFactor !== undefined && { replicationFactor: { value: replicationFactor } }),
    ...(configs !== undefined && { topicConfigs: { value: configs } }),
  }) as PrepareContext['options'];

const describeTopic = async (destination: Cluster, topic: string, topicId: string, signal: AbortSignal): Promise<KeptTopic | null> => {
  await destination.refreshMetadata([topic], signal);
  if (destination.metadata.topic(topic)?.topicId !== topicId) return null;
  const described = (await describeConfigs(destination, [topic], null, signal)).get(topic);
  if (described === undefined || LinkError.is(described)) throw described ?? new LinkError('KLINK_MALFORMED', `No configs of '${topic}'`);
  const set = [...described].flatMap(([name, { value, isSet }]): [string, string][] => (isSet && value !== null ? [[name, value]] : []));
  const replicas = destination.metadata.partition(topic, 0)?.replicas;
  return { replicationFactor: replicas?.length ?? -1, configs: Object.fromEntries(set) };
};
