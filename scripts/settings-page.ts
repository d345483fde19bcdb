/** Writes the table into docs/settings.md: `npx tsx scripts/settings-page.ts`. A test fails while the page is stale. */
import { writeFile } from 'node:fs/promises';
import { SETTINGS_PAGE, settingsPage } from './docs/settings-table.ts';

await writeFile(SETTINGS_PAGE, settingsPage().shouldBe);
