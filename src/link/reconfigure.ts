/** Changes the configs of a running link: one call at a time, checked as a whole, written down before it counts. */
import { either } from '../client/abort.ts';
import { LinkError } from '../errors.ts';
import { refuseProblems } from './configs/config-problem.ts';
import { applyChanges, type ChangedConfig, type ConfigChange, type ConfigSet, configTexts } from './configs/config-set.ts';
import { type ConfigOption, optionOfKey } from './configs/link-configs.ts';
import type { WaitOptions } from './link-status.ts';
import type { PrepareContext } from './plan-topics.ts';
import { foreignAddresses, missingAddresses } from './source-addresses.ts';

export interface ConfigureOptions extends WaitOptions {
  /** Only says what would change, or why it cannot; changes nothing. */
  readonly validateOnly?: boolean;
}

export interface ReconfigureContext extends PrepareContext {
  /** The cluster that the link mirrors, null when it has never said. */
  readonly sourceClusterId: () => string | null;
  /** These configs have other values now; `options` are their typed names. */
  readonly changed: (changed: readonly ChangedConfig[], options: ReadonlySet<ConfigOption>) => Promise<void>;
  /** The source has been told of by its new addresses, or could not be asked there. */
  readonly moved: (error: LinkError | null) => void;
}

/** How long new addresses may take to answer when nobody says otherwise. */
const ADDRESSES_MS = 30_000;

export class Reconfigure {
  readonly #context: ReconfigureContext;
  /** Each call begins with what the one before has made of the configs. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: ReconfigureContext) {
    this.#context = context;
  }

  change(changes: readonly ConfigChange[], options: ConfigureOptions = {}): Promise<readonly ChangedConfig[]> {
    const turn = this.#turn.then(() => this.#change(changes, options));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #change(
    changes: readonly ConfigChange[],
    { validateOnly = false, timeoutMs = ADDRESSES_MS, signal }: ConfigureOptions,
  ): Promise<readonly ChangedConfig[]> {
    const { options, source, signal: closing, changed, moved, sourceClusterId } = this.#context;
    const { live } = options;
    const applied = applyChanges(live.set, changes);
    refuseProblems([...applied.problems, ...missingAddresses(changes)]);
    const changing = new Set(applied.changed.flatMap(({ name }) => optionOfKey(name) ?? []));
    const isMoving = changing.has('bootstrapServers');
    if (isMoving) {
      const wait = { timeoutMs, signal: either(signal, closing) };
      refuseProblems(await foreignAddresses(options, applied.configs.values.bootstrapServers, sourceClusterId(), wait));
    }
    if (validateOnly || changing.size === 0) return applied.changed;
    await this.#save(applied.configs);
    if (isMoving) moved(await source.moveTo(options.source.bootstrap, closing).then(() => null, LinkError.from));
    await changed(applied.changed, changing);
    return applied.changed;
  }

  async #save(configs: ConfigSet): Promise<void> {
    const { options, store, signal } = this.#context;
    await store.saveLink({ configs: configTexts(configs) }, signal);
    options.live.replace(configs);
  }
}
