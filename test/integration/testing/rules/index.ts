/** Every case of the rules, and how one is run. */
import { RawClient } from '../raw-client.ts';
import { ADMIN_RULES } from './admin.ts';
import { CLEANER_RULES } from './cleaner.ts';
import { FETCH_RULES } from './fetch.ts';
import { type BrokerRule, type ExpectEqual, Given, type RuleTarget } from './given.ts';
import { GROUP_RULES } from './groups.ts';
import { MARKER_RULES } from './markers.ts';
import { OFFSET_RULES } from './offsets.ts';
import { PRODUCE_RULES } from './produce.ts';
import { PRODUCER_RULES } from './producers.ts';
import { TRANSACTION_RULES } from './transactions.ts';

export const BROKER_RULES: Readonly<Record<string, readonly BrokerRule[]>> = {
  Produce: PRODUCE_RULES,
  producers: PRODUCER_RULES,
  markers: MARKER_RULES,
  transactions: TRANSACTION_RULES,
  Fetch: FETCH_RULES,
  offsets: OFFSET_RULES,
  administration: ADMIN_RULES,
  'log cleaner': CLEANER_RULES,
  groups: GROUP_RULES,
};

/** Runs a case over a connection of its own. */
export const runRule = async (rule: BrokerRule, target: RuleTarget, expect: ExpectEqual): Promise<void> => {
  await using client = await RawClient.to(target.address);
  await rule.run(new Given(target, client, expect));
};
