/** What the compiler knows of a verification: offsets are bigints in reports and numbers in JSON, and what one call returns another takes. */
import {
  type DIFFERENCE_KINDS,
  type DifferenceKind,
  type LinkError,
  type VerifiedPartition,
  type VerifyOptions,
  type VerifyReport,
  verifyMirror,
  type verifyReportToJson,
} from 'kafka-link';
import { describe, expectTypeOf, it } from 'vitest';

describe('verifyMirror', () => {
  it('takes topics by one name or two, and the positions of a report', () => {
    expectTypeOf<VerifyOptions['topics']>().toEqualTypeOf<readonly (string | { readonly topic: string; readonly sourceTopic: string })[]>();
    expectTypeOf<VerifyReport['positions']>().toExtend<NonNullable<VerifyOptions['from']>>();
    expectTypeOf(verifyMirror).returns.resolves.toEqualTypeOf<VerifyReport>();
  });

  it('refuses options that it does not have, and modes that there are not', () => {
    const cluster = { bootstrap: ['a:1'] };
    const options = { source: cluster, destination: cluster, topics: ['orders'] };
    expectTypeOf(options).toExtend<VerifyOptions>();
    expectTypeOf<{ source: typeof cluster; destination: typeof cluster }>().not.toExtend<VerifyOptions>();
    expectTypeOf({ ...options, mode: 'fast' }).not.toExtend<VerifyOptions>();
  });

  it('reports offsets as bigints and counts as numbers', () => {
    expectTypeOf<VerifiedPartition['position']>().toEqualTypeOf<bigint>();
    expectTypeOf<VerifiedPartition['records']>().toEqualTypeOf<number>();
    expectTypeOf<VerifiedPartition['error']>().toEqualTypeOf<LinkError | null>();
    expectTypeOf<VerifiedPartition['differences'][number]['kind']>().toEqualTypeOf<DifferenceKind>();
    expectTypeOf<keyof typeof DIFFERENCE_KINDS>().toEqualTypeOf<DifferenceKind>();
  });
});

describe('verifyReportToJson', () => {
  it('has no bigints and no errors in it', () => {
    type Json = ReturnType<typeof verifyReportToJson>['partitions'][number];
    expectTypeOf<Json['position']>().toEqualTypeOf<number>();
    expectTypeOf<Json['differences'][number]['offset']>().toEqualTypeOf<number>();
    expectTypeOf<NonNullable<Json['error']>>().toEqualTypeOf<{ readonly code: string; readonly message: string }>();
    expectTypeOf<Json['verdict']>().toEqualTypeOf<VerifiedPartition['verdict']>();
  });
});
