/** The error base: a closed list of codes, causes kept, and recognised across copies of the package. */
import { describe, expect, it, vi } from 'vitest';
import { LINK_ERROR_CODES, LinkError, type LinkErrorCode } from '../../src/errors.ts';

type Module = typeof import('../../src/errors.ts');

/** The module once more, as a second copy of the package would have it. */
const anotherCopy = async (): Promise<Module> => {
  vi.resetModules();
  const copy: Module = await import('../../src/errors.ts');
  expect(copy.LinkError).not.toBe(LinkError);
  return copy;
};

describe('LinkError', () => {
  it('is an Error with code, cause and retriable', () => {
    const cause = new Error('ECONNREFUSED');
    const error = new LinkError('KLINK_CONNECT', 'Cannot connect', { cause, retriable: true });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'LinkError', code: 'KLINK_CONNECT', message: 'Cannot connect', cause, retriable: true });
    expect(String(error)).toBe('LinkError: Cannot connect');
    expect(error.stack).toContain('errors.test.ts');
  });

  it('is not retriable unless said so, and has a cause only when there is one', () => {
    const error = new LinkError('KLINK_STATE', 'no');
    expect(error.retriable).toBe(false);
    expect('cause' in error).toBe(false);
    expect('cause' in new LinkError('KLINK_STATE', 'no', { cause: undefined })).toBe(true);
  });

  it('is recognised by its brand, with and without a code', () => {
    const error = new LinkError('KLINK_AUTH', 'no');
    expect(LinkError.is(error)).toBe(true);
    expect(LinkError.is(error, 'KLINK_AUTH')).toBe(true);
    expect(LinkError.is(error, 'KLINK_BROKER')).toBe(false);
    class Special extends LinkError {}
    expect(LinkError.is(new Special('KLINK_LAG', 'no'), 'KLINK_LAG')).toBe(true);
  });

  it.each([
    ['an error of somebody else', new Error('no')],
    ['an error that only has the code', Object.assign(new Error('no'), { code: 'KLINK_AUTH' })],
    ['an object that has the brand but is no error', { [Symbol.for('kafka-link.error')]: true, code: 'KLINK_AUTH' }],
    ['a string', 'KLINK_AUTH'],
    ['null', null],
    ['undefined', undefined],
  ])('is not mistaken for %s', (_, value) => {
    expect(LinkError.is(value)).toBe(false);
    expect(LinkError.is(value, 'KLINK_AUTH')).toBe(false);
  });

  it('is recognised across copies of the package, where instanceof fails', async () => {
    const copy = await anotherCopy();
    const theirs = new copy.LinkError('KLINK_CLOSED', 'closed');
    expect(theirs instanceof LinkError).toBe(false);
    expect(LinkError.is(theirs, 'KLINK_CLOSED')).toBe(true);
    expect(copy.LinkError.is(new LinkError('KLINK_LAG', 'behind'), 'KLINK_LAG')).toBe(true);
    expect(LinkError.from(theirs)).toBe(theirs);
  });

  it('makes a defect of anything else that is thrown', () => {
    const cause = new TypeError('x is not a function');
    expect(LinkError.from(cause)).toMatchObject({ code: 'KLINK_INTERNAL', cause, retriable: false });
    expect(LinkError.from(cause).message).toContain('x is not a function');
    expect(LinkError.from('oops').message).toContain('oops');
    const own = new LinkError('KLINK_LAG', 'behind');
    expect(LinkError.from(own)).toBe(own);
  });
});

describe('the codes', () => {
  it('are listed once each, with the prefix of the package', () => {
    expect(new Set(LINK_ERROR_CODES).size).toBe(LINK_ERROR_CODES.length);
    for (const code of LINK_ERROR_CODES satisfies readonly LinkErrorCode[]) expect(code).toMatch(/^KLINK_[A-Z]+(_[A-Z]+)*$/);
  });
});
