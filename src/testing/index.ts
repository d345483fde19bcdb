/** `kafka-link/testing`: an embedded Kafka cluster for tests, in this process, over real loopback sockets. */
export type { ObservedFrame, Observer } from './broker.ts';
export { type Clock, systemClock } from './clock.ts';
export { type FrameConnection, type FrameServer, listenForFrames, type ServeFrame } from './frame-server.ts';
export { type Answer, type AnswerBody, HANG_UP, type Interceptor, NO_ANSWER, type RequestInfo, type Tamper } from './interception.ts';
export type { CleanedRange } from './log/cleaning/clean-log.ts';
export type { ProducerState, SentBatch } from './log/producer-state.ts';
export { type AppendedRecord, type CleanOptions, LogHandle, type SegmentInfo } from './log-handle.ts';
export { type RecordError, Refusal } from './refusal.ts';
export { RELEASES, type Release } from './releases.ts';
export type { AuthorizerOptions } from './security/authorizer.ts';
export { startCluster, type TestClusterOptions } from './start-cluster.ts';
export { type FaultOptions, TestCluster, type TopicOptions } from './test-cluster.ts';
