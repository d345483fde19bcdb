/** Writes the tables into docs/link-configs.md: `npx tsx scripts/link-configs-page.ts`. A test fails while the page is stale. */
import { writeFile } from 'node:fs/promises';
import { LINK_CONFIGS_PAGE, linkConfigsPage } from './docs/link-configs-table.ts';

await writeFile(LINK_CONFIGS_PAGE, linkConfigsPage().shouldBe);
