/** What one run of the offset sync came to, group by group: a group that is tried again is judged by the last try. */
import { BrokerError } from '../../client/broker-error.ts';
import { LinkError } from '../../errors.ts';
import { ErrorCode } from '../../protocol/error-codes.ts';
import type { CarryOutcome } from './offset-carrier.ts';
import { type TaskError, taskError } from './task.ts';

export class OffsetSyncRun {
  /** Groups that could not be dealt with, or not wholly. */
  readonly failures = new Map<string, LinkError>();
  readonly #inUse = new Set<string>();
  readonly #refusals = new Map<string, LinkError[]>();
  #committed = 0;
  #refreshed = 0;
  #deleted = 0;

  /** These groups are looked at now, perhaps not for the first time. */
  begin(groups: Iterable<string>): void {
    for (const group of groups) {
      this.failures.delete(group);
      this.#inUse.delete(group);
      this.#refusals.delete(group);
    }
  }

  add({ committed, refreshed, inUse, failures, refusals }: CarryOutcome): void {
    this.#committed += committed;
    this.#refreshed += refreshed;
    for (const group of inUse) this.#inUse.add(group);
    for (const [group, error] of failures) this.failures.set(group, error);
    for (const { group, error } of refusals) this.#refusals.set(group, [...(this.#refusals.get(group) ?? []), error]);
  }

  /** The coordinator's answers to a deletion of offsets, or why there are none. */
  deleted(group: string, answers: readonly number[] | LinkError): void {
    if (LinkError.is(answers)) {
      this.failures.set(group, answers);
      return;
    }
    this.#deleted += answers.filter((code) => code === ErrorCode.NONE).length;
    const code = answers.find((other) => other !== ErrorCode.NONE && other !== ErrorCode.GROUP_ID_NOT_FOUND);
    if (code === undefined) return;
    const advice = 'The link needs DELETE on the groups it syncs and READ on its mirror topics, or leave their offsets to expire';
    this.#refusals.set(group, [new BrokerError(code, `delete offsets of group '${group}' on the destination`, { advice })]);
  }

  get counts(): Readonly<Record<string, number>> {
    return { committed: this.#committed, refreshed: this.#refreshed, deleted: this.#deleted, inUse: this.#inUse.size };
  }

  errors(): readonly TaskError[] {
    const inUse = [...this.#inUse].map((group) => taskError(groupInUse(group), group, 'CONSUMER_GROUP_IN_USE_ERROR'));
    const refused = [...this.#refusals].flatMap(([group, errors]) => errors.map((error) => taskError(error, group)));
    return [...[...this.failures].map(([group, error]) => taskError(error, group)), ...refused, ...inUse];
  }
}

const groupInUse = (group: string): BrokerError =>
  new BrokerError(ErrorCode.UNKNOWN_MEMBER_ID, `sync the offsets of group '${group}'`, {
    detail: 'the group has members at the destination, so its positions are theirs',
    advice: 'Exclude it from consumer.offset.group.filters, or stop it there',
  });
