/** Run as a process of its own: starts a cluster, prints the broker's pid and waits to be killed. */
import { startKafka } from './cluster.ts';

const kafka = await startKafka();
console.log(kafka.brokers[0]?.pid);
