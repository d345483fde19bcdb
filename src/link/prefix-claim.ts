/** A prefix belongs to one link of a destination: without that rule, two sources could claim the same name of a mirror. */
import { LinkError } from '../errors.ts';
import type { ParsedOptions } from './options.ts';
import type { LinkStore } from './store/link-store.ts';

const PREFIX = 'cluster.link.prefix';

/**
 * Refuses a new link whose prefix another link has. Links without a prefix have nothing to claim, and there may be many of them.
 *
 * @throws LinkError `KLINK_CONFIG` that names the other link.
 */
export const refuseTakenPrefix = ({ name, settings }: Pick<ParsedOptions, 'name' | 'settings'>, store: LinkStore): void => {
  const prefix = settings.clusterLinkPrefix;
  if (prefix === null) return;
  // The first that was written has it: of two links that are made at once, one finds the other before itself.
  const holder = [...store.links()].find(([, { configs }]) => configs[PREFIX] === prefix)?.[0];
  if (holder === undefined || holder === name) return;
  throw new LinkError(
    'KLINK_CONFIG',
    `${PREFIX} is '${prefix}', which link '${holder}' of the same destination has: its mirrors and those of this link could get the same names. ` +
      `Choose another prefix for link '${name}', or delete link '${holder}' first`,
  );
};
