/** The answer of a whole-request failure for any API: every field at its default, and the error code. */
import type { AnyField, Api, Fields, SentResponseOf } from '../protocol/schema.ts';

const ofFields = (fields: Fields): Record<string, unknown> => {
  const blank: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) if (field.spec.required) blank[key] = ofField(field);
  return blank;
};

const ofField = ({ spec }: AnyField): unknown => {
  if (spec.fallback === null || spec.nullable !== undefined) return spec.fallback;
  return spec.wire === 'struct' ? ofFields(spec.fields ?? {}) : spec.fallback;
};

/** True when the API has a place for an error that concerns the whole request. */
export const hasTopLevelError = ({ response }: Api): boolean => 'errorCode' in response;

/** The response of `api` in which everything is empty but the error code. */
export const blankResponse = <A extends Api>(api: A, errorCode: number): SentResponseOf<A> =>
  ({ ...ofFields(api.response), errorCode }) as unknown as SentResponseOf<A>;
