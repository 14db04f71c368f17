// Where each row of a long list lies: most rows are as high as the first ones, and what differs is remembered.

const BLOCK = 128;

/** Heights in pixels of rows that are counted from the top. */
export class RowHeights {
  #usual: number;
  #others = new Map<number, number>();
  /** By block of rows, how much higher than usual its rows are together. */
  #extra = new Map<number, number>();

  constructor(usual: number) {
    this.#usual = usual;
  }

  get usual(): number {
    return this.#usual;
  }

  of(row: number): number {
    return this.#usual + (this.#others.get(row) ?? 0);
  }

  /** Remember a measured height; returns by how much it differs from what was believed. */
  learn(row: number, height: number): number {
    const difference = height - this.of(row);
    if (Math.abs(difference) < 0.01) return 0;
    const block = Math.floor(row / BLOCK);
    this.#others.set(row, height - this.#usual);
    this.#extra.set(block, (this.#extra.get(block) ?? 0) + difference);
    return difference;
  }

  /** How far below the top of the list a row begins. */
  top(row: number): number {
    const last = Math.floor(row / BLOCK);
    let extra = 0;
    for (const [block, more] of this.#extra) if (block < last) extra += more;
    for (let one = last * BLOCK; one < row; one += 1) extra += this.#others.get(one) ?? 0;
    return row * this.#usual + extra;
  }

  /** The row that lies at a distance from the top of the list, of `count` rows. */
  at(distance: number, count: number): number {
    let [low, high] = [0, Math.max(0, count - 1)];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.top(middle) <= distance) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Rows came in on top: all others move down by so many. */
  shift(rows: number): void {
    const moved = [...this.#others];
    this.#others = new Map();
    this.#extra = new Map();
    for (const [row, more] of moved) this.learn(row + rows, this.#usual + more);
  }
}
