/** Writes the coverage table into docs/protocol.md: `npx tsx scripts/protocol-coverage.ts`. A conformance test fails while the page is stale. */
import { writeFile } from 'node:fs/promises';
import { PROTOCOL_PAGE, protocolPage } from '../test/support/protocol/coverage-table.ts';

await writeFile(PROTOCOL_PAGE, protocolPage().shouldBe);
