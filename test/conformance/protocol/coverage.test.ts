/** docs/protocol.md says what is really described and tested. */
import { expect, it } from 'vitest';
import { protocolPage } from '../../support/protocol/coverage-table.ts';

it('the coverage table is up to date: run `npx tsx scripts/protocol-coverage.ts` when this fails', () => {
  const { is, shouldBe } = protocolPage();
  expect(is).toBe(shouldBe);
});
