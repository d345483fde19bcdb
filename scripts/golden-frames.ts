/**
 * Has Kafka's own classes write the golden frames under test/conformance/protocol/frames/.
 * Run it after adding a message or a version: `npx tsx scripts/golden-frames.ts`; needs a JDK 17 and Maven.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { APIS } from '../src/protocol/messages/index.ts';
import { GOLDEN_HEADER, goldenFile, goldenKey } from '../test/conformance/protocol/golden-frames.ts';
import { startWireOracle, type WireValue } from '../test/support/kafka/wire-oracle.ts';
import { casesOf, presentFields, SAMPLES, sampleValue } from '../test/support/protocol/sample-values.ts';

await using oracle = await startWireOracle();
for (const api of APIS) {
  const frames: string[] = [];
  for (const one of casesOf([api])) {
    for (const sample of SAMPLES) {
      const value = presentFields(one, sampleValue(one, sample)) as WireValue;
      const bytes = await oracle.encode(api.key, one.side, one.version, value, GOLDEN_HEADER[sample]);
      frames.push(`"${goldenKey(one, sample)}": "${bytes.toString('hex')}"`);
    }
  }
  const file = goldenFile(api);
  await mkdir(new URL('.', file), { recursive: true });
  await writeFile(file, `{\n${frames.join(',\n')}\n}\n`);
}
