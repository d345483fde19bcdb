/** The public surface, by name: whatever enters or leaves an entry of the package is a decision, made here too. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ENTRIES = {
  'kafka-link': 'index.ts',
  'kafka-link/codec': 'codec/index.ts',
  'kafka-link/protocol': 'protocol/index.ts',
  'kafka-link/testing': 'testing/index.ts',
} as const;
type Entry = keyof typeof ENTRIES;

/** What the file exports by name, as written; types apart, since nothing of them is left at run time. */
const exportsOf = (entry: Entry): { readonly values: readonly string[]; readonly types: readonly string[] } => {
  const path = fileURLToPath(new URL(`../../src/${ENTRIES[entry]}`, import.meta.url));
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
  const found = file.statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement) || statement.exportClause === undefined || !ts.isNamedExports(statement.exportClause))
      throw new Error(`${path} is more than a list of exports`);
    const { isTypeOnly } = statement;
    return statement.exportClause.elements.map(({ name, isTypeOnly: alone }) => ({ name: name.text, isType: isTypeOnly || alone }));
  });
  const named = (isType: boolean): string[] => found.flatMap((item) => (item.isType === isType ? [item.name] : [])).sort();
  return { values: named(false), types: named(true) };
};

const words = (text: string): string[] => text.trim().split(/\s+/).sort();

const API_NAMES = words(`
  AlterConfigs ApiVersions ConsumerGroupDescribe CreateAcls CreatePartitions CreateTopics DeleteAcls DeleteGroups DeleteRecords DeleteTopics
  DescribeAcls DescribeCluster DescribeConfigs DescribeGroups DescribeProducers DescribeTopicPartitions DescribeTransactions Fetch FindCoordinator
  Heartbeat IncrementalAlterConfigs InitProducerId JoinGroup LeaveGroup ListGroups ListOffsets ListTransactions Metadata OffsetCommit OffsetDelete
  OffsetFetch OffsetForLeaderEpoch Produce SaslAuthenticate SaslHandshake SyncGroup WriteTxnMarkers
`);

const SURFACE: Readonly<Record<Entry, { readonly values: readonly string[]; readonly types: readonly string[] }>> = {
  'kafka-link': {
    values: words(`
      BrokerError DIFFERENCE_KINDS LINK_CONFIGS LINK_ERRORS LINK_ERROR_CODES LINK_STATES LinkConfigError LinkError MIRROR_TOPIC_ERRORS
      MIRROR_TOPIC_STATES MIRROR_TOPIC_STATE_NAMES MemoryLinkStore MirrorFailure OPEN_METRICS_CONTENT_TYPE SETTINGS TASK_ERROR_CODES TASK_NAMES TASK_STATES createLink deleteLink
      describeLink listLinks openMetrics renderVerifyReport verifyMirror verifyReportToJson
    `),
    types: words(`
      BrokerErrorDetails ByteSink Clock CloseEvent ClusterLink ClusterOptions Endpoint LinkErrorCode LinkEvent LinkEvents LinkIdentity LinkMetrics LinkOptions LinkSettings
      LinkStatus LinkStore Logger MirrorEvent MirrorPartitionStatus MirrorTopicError MirrorTopicStatus OpenTransport PartitionEvent
      PartitionState ProgressEvent Random StoredMirror Transport TransportEvents WaitOptions WarningEvent
      AclFilter ChangedConfig ConfigChange ConfigEntry ConfigEvent ConfigOption OffsetSyncMode OffsetSyncStatus ConfigListing ConfigProblem DeleteLinkOptions FillPolicy LastingState LinkConfigOptions
      LinkConfigs LinkDescription LinkErrorName LinkSnapshot LinkState LinksOptions MirrorDescription MirrorOutcome MirrorSelection MirrorTopicState
      NameFilter NewMirrorOptions OpenMetricsOptions OperationOptions PartitionOutcome PromoteOptions StateCategory StoredLink StoredStop
      StoredTransition StoredTransitionError TaskError TaskErrorCode TaskEvent TaskName TaskRun TaskState TaskStatus
      DifferenceKind JsonOf VerifiedLog VerifiedPartition VerifyChoices VerifyDifference VerifyOptions VerifyPosition VerifyProgress VerifyReport
      VerifyReportJson VerifyTopic VerifyVerdict
    `),
  },
  'kafka-link/codec': {
    values: words(`
      BATCH_ATTRIBUTES BATCH_HEADER_BYTES BATCH_LAYOUT COMPRESSION_IDS CONTROL_TYPES DEFAULT_MAX_OUTPUT_BYTES LOG_OVERHEAD_BYTES RecordBatch
      RecordSetCursor assembleBatch batchesOf buildBatch buildEndTxnMarker compress compressionOf computeCrc controlTypeOf controlTypeOfBatch crc32c crc32cShift
      decodeEndTxnMarker decodeRecordBody decodeRecordFrames decompress encodeEndTxnMarker encodeRecordBody encodeRecordFrames patchBatch payloadCrc
      readRecordFrames readRecords rebaseBatch verifyCrc
    `),
    types: words(`
      BatchHeader BatchOptions Compression DecompressOptions EndTxnMarker HeaderChanges KafkaRecord MarkerOptions NewRecord RecordContent RecordFrame
      RecordHeader TransactionResult WalkStop
    `),
  },
  'kafka-link/protocol': {
    values: words(`
      ${API_NAMES.join(' ')} APIS BROKER_ERRORS ErrorCode LINK_ERROR_CODES LinkError MalformedError ZERO_UUID apiByKey apiVersionsRetry brokerError
      decodeApiVersions decodeRequest decodeRequestHeader decodeResponse encodeRequest encodeResponse isFlexible negotiate peekCorrelationId unknownTags
    `),
    types: words(`
      ${API_NAMES.flatMap((name) => [`${name}Request`, `${name}ReceivedRequest`, `${name}Response`]).join(' ')}
      AnyField Api BrokerErrorInfo Decoded Encodable ErrorName ErrorRemedy Field Fields Frame LinkErrorCode LinkErrorOptions NegotiatedVersions ReceivedRequestOf
      RequestHeader RequestOf ResponseOf Scalar SentResponseOf Spec UnknownTag UnknownTags VersionRange Versions
    `),
  },
  'kafka-link/testing': {
    values: words('HANG_UP LogHandle NO_ANSWER RELEASES Refusal TestCluster listenForFrames startCluster systemClock'),
    types: words(`
      Answer AnswerBody AppendedRecord AuthorizerOptions CleanOptions CleanedRange Clock FaultOptions FrameConnection FrameServer Interceptor ObservedFrame Observer ProducerState
      RecordError Release RequestInfo SegmentInfo SentBatch ServeFrame Tamper TestClusterOptions TopicOptions
    `),
  },
};

describe.each(Object.keys(ENTRIES) as Entry[])('%s', (entry) => {
  it('exports these values and types, and no other', () => {
    expect(exportsOf(entry)).toEqual(SURFACE[entry]);
  });

  it('has at run time what it lists', async () => {
    const module = (await import(entry)) as Record<string, unknown>;
    expect(Object.keys(module).sort()).toEqual(SURFACE[entry].values);
    expect(Object.values(module).filter((value) => value === undefined)).toEqual([]);
  });
});
