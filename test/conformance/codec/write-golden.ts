/** Writes the golden files anew: `npx tsx test/conformance/codec/write-golden.ts`. Compressed bytes may differ with the jars' compression libraries. */
import { fileURLToPath } from 'node:url';
import { writeGoldens } from './oracle.ts';

await writeGoldens(fileURLToPath(new URL('./golden', import.meta.url)));
