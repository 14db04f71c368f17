// A list of any length at the hub, newest first or sorted: only the parts that are looked at are fetched, and few are kept.
import type { ReactiveControllerHost } from "lit";
import { WhileSeen } from "./asking.js";

/** Part of a list; `total`, and `counts` of what stands how, are told when they were asked for. */
export interface Part<T> {
  items: T[];
  total: number | null;
  counts?: Record<string, number> | null;
}

/** Which part: so many rows, of those that follow `before` without the first `skip`. */
export interface Wanted {
  limit: number;
  before: string | null;
  skip: number;
  isCounted: boolean;
}

const BLOCK = 100;
const KEPT_BLOCKS = 40;
const asError = (problem: unknown): Error => (problem instanceof Error ? problem : new Error(String(problem)));

/**
 * Rows are counted from the newest. The newest row of the first answer is the anchor: all older ones are asked for by how
 * far below it they are, so what the hub adds meanwhile moves nothing.
 */
export class LongList<T> extends WhileSeen {
  problem: Error | undefined;
  isLoaded = false;
  /** Is called with how many rows came in on top, when some did; null when the list began anew. */
  onAdded: ((rows: number | null) => void) | undefined;
  #fresh: T[] = [];
  #older = 0;
  #blocks = new Map<number, T[]>();
  /** Blocks that are here as they were before. */
  #stale = new Set<number>();
  #anchor: string | null = null;
  #wanted: [number, number] = [0, 0];
  #isFetching = false;
  #generation = 0;

  constructor(
    host: ReactiveControllerHost,
    private readonly ask: (wanted: Wanted) => Promise<Part<T>>,
    private readonly idOf: (item: T) => string,
    everySeconds = 15,
    /** Whether rows may leave the list as it is asked for now, or come into its middle. */
    private readonly isShifting: () => boolean = () => false,
    /** Whether it is in an order of its own, in which any row may change and move: what is in sight is asked anew each time. */
    private readonly isSorted = false,
  ) {
    super(host, everySeconds);
  }

  /** How many rows the list has. */
  get count(): number {
    return this.#fresh.length + this.#older;
  }

  /** The row, if it is here. */
  at(row: number): T | undefined {
    const older = row - this.#fresh.length;
    return older < 0 ? this.#fresh[row] : this.#blocks.get(Math.floor(older / BLOCK))?.[older % BLOCK];
  }

  /** All rows that are here among some neighbouring ones. */
  around(row: number, reach = BLOCK): T[] {
    const rows = Array.from({ length: 2 * reach + 1 }, (_, index) => this.at(row - reach + index));
    return rows.filter((one) => one !== undefined);
  }

  /** Say which rows are looked at; they will come. What was wanted before and is not here yet no longer is. */
  want(from: number, until: number): void {
    this.#wanted = [from, until];
    if (!this.#isFetching) void this.#fetchWanted();
  }

  /** Ask what is new, and keep what is here. */
  override async refresh(): Promise<void> {
    const generation = ++this.#generation;
    await this.#try(async () => {
      const isFirst = this.#anchor === null;
      const isShifting = this.isSorted || this.isShifting();
      const { items, total } = await this.ask({ limit: BLOCK, before: null, skip: 0, isCounted: isFirst || isShifting });
      if (generation !== this.#generation) return;
      if (this.isSorted && !isFirst) {
        this.#sortAnew(items, total ?? items.length);
        return;
      }
      const newest = this.#fresh[0] === undefined ? this.#anchor : this.idOf(this.#fresh[0]);
      const added = items.findIndex((item) => this.idOf(item) === newest);
      if (isFirst || added < 0 || (isShifting && this.#isOtherwise(items, total))) await this.#beginAnew(items, total, generation);
      else this.#renew(items, added);
    });
    if (!this.#isFetching) void this.#fetchWanted();
  }

  /** Forget all rows and ask again, for when something else is asked for. */
  async restart(): Promise<void> {
    this.isLoaded = false;
    await this.reload();
  }

  /** Ask for all that is looked at once more: rows below the newest may have changed. */
  async reload(): Promise<void> {
    this.#anchor = null;
    await this.refresh();
  }

  /** Whether the list is not what was here: another number of rows, or others on top. */
  #isOtherwise(items: T[], total: number | null): boolean {
    return total !== this.count || items.some((item, row) => (this.at(row) === undefined ? "" : this.idOf(this.at(row) as T)) !== this.idOf(item));
  }

  /** Take the newest rows as they are now: those known may have changed, too. */
  #renew(items: T[], added: number): void {
    this.#fresh = [...items.slice(0, added), ...this.#fresh];
    items.slice(added).forEach((item, index) => {
      const row = index + added;
      const older = row - this.#fresh.length;
      if (older < 0) this.#fresh[row] = item;
      else {
        const block = this.#blocks.get(Math.floor(older / BLOCK));
        if (block && older % BLOCK < block.length) block[older % BLOCK] = item;
      }
    });
    if (added > 0) this.onAdded?.(added);
  }

  /** Take a sorted list as it is now; what is in sight stays until its rows are here again. */
  #sortAnew(items: T[], total: number): void {
    this.#older = total;
    const [from, until] = this.#wantedBlocks();
    this.#blocks = new Map([...this.#blocks].filter(([block]) => block >= from && block <= until).concat([[0, items]]));
    this.#stale = new Set([...this.#blocks.keys()].filter((block) => block > 0));
    this.#anchor = items[0] === undefined ? null : this.idOf(items[0]);
    this.onAdded?.(0);
  }

  async #beginAnew(items: T[], total: number | null, generation: number): Promise<void> {
    // So much is new that there would be a gap: how many rows there are must be asked once more.
    const count = total ?? (await this.ask({ limit: 1, before: null, skip: 0, isCounted: true })).total ?? items.length;
    if (generation !== this.#generation) return;
    const added = this.isLoaded && !this.isSorted ? count - this.count : null;
    this.#fresh = [];
    this.#older = Math.max(count, items.length);
    this.#blocks = new Map([[0, items]]);
    this.#stale.clear();
    this.#anchor = items[0] === undefined ? null : this.idOf(items[0]);
    this.isLoaded = true;
    this.onAdded?.(added);
  }

  async #fetchWanted(): Promise<void> {
    this.#isFetching = true;
    for (let block = this.#missing(); block !== undefined && this.#anchor !== null; block = this.#missing()) {
      const [blocks, before] = [this.#blocks, this.#anchor];
      const isHere = await this.#try(async () => {
        // The anchor itself is the first row of block 0, which is always here.
        const { items } = await this.ask({ limit: BLOCK, before, skip: block * BLOCK - 1, isCounted: false });
        if (blocks !== this.#blocks) return;
        blocks.set(block, items);
        this.#stale.delete(block);
        this.#forget(block);
      });
      if (!isHere) break;
    }
    this.#isFetching = false;
  }

  /** The first and the last block of what is looked at. */
  #wantedBlocks(): [number, number] {
    const [from, until] = this.#wanted.map((row) => Math.floor(Math.min(this.#older - 1, Math.max(0, row - this.#fresh.length)) / BLOCK));
    return [from ?? 0, until ?? 0];
  }

  #missing(): number | undefined {
    if (this.#older === 0) return undefined;
    const [from, until] = this.#wantedBlocks();
    for (let block = from; block <= until; block += 1) {
      if (!this.#blocks.has(block) || this.#stale.has(block)) return block;
    }
    return undefined;
  }

  /** Let go of the blocks that are farthest from what is looked at. */
  #forget(near: number): void {
    const others = [...this.#blocks.keys()].filter((block) => block > 0).sort((one, other) => Math.abs(other - near) - Math.abs(one - near));
    for (const block of others.slice(0, Math.max(0, this.#blocks.size - KEPT_BLOCKS))) this.#blocks.delete(block);
  }

  async #try(what: () => Promise<void>): Promise<boolean> {
    try {
      await what();
      this.problem = undefined;
    } catch (problem) {
      this.problem = asError(problem);
    }
    this.host.requestUpdate();
    return this.problem === undefined;
  }
}
