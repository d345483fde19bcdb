/**
 * Reduces Kafka's `Errors` to test/conformance/protocol/kafka-errors.json: code, name, and what its clients do.
 * Run it after raising the newest Kafka release: `npx tsx scripts/kafka-errors.ts`; the conformance test then names the missing rows.
 */
import { writeFile } from 'node:fs/promises';
import { startWireOracle } from '../test/support/kafka/wire-oracle.ts';

await using oracle = await startWireOracle();
const rows = (await oracle.errors()).map((row) => JSON.stringify(row));
await writeFile(new URL('../test/conformance/protocol/kafka-errors.json', import.meta.url), `[\n${rows.join(',\n')}\n]\n`);
