// A spatial index: square cells of fixed size. A query costs what lies near, however many there are.

/** A place in metres. */
export interface Position {
  readonly x: number;
  readonly y: number;
}

/** Straight distance in metres. */
export function distanceM(a: Position, b: Position): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** Items by place. An item is at one place at a time. */
export class Grid<T> {
  readonly #cellM: number;
  readonly #cells = new Map<string, Set<T>>();
  readonly #places = new Map<T, Position>();

  constructor(cellM: number) {
    this.#cellM = cellM;
  }

  /** Puts an item at a place, or moves it there. */
  set(item: T, position: Position): void {
    this.delete(item);
    const key = this.#key(position.x, position.y);
    const cell = this.#cells.get(key);
    if (cell === undefined) this.#cells.set(key, new Set([item]));
    else cell.add(item);
    this.#places.set(item, position);
  }

  delete(item: T): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    const key = this.#key(place.x, place.y);
    const cell = this.#cells.get(key);
    cell?.delete(item);
    if (cell?.size === 0) this.#cells.delete(key);
    this.#places.delete(item);
  }

  /** Items within `radiusM` of a place, the place's own included, in the order of their cells. */
  near(position: Position, radiusM: number): T[] {
    const found: T[] = [];
    const reach = Math.ceil(radiusM / this.#cellM);
    const cellX = Math.floor(position.x / this.#cellM);
    const cellY = Math.floor(position.y / this.#cellM);
    for (let x = cellX - reach; x <= cellX + reach; x++) {
      for (let y = cellY - reach; y <= cellY + reach; y++) {
        for (const item of this.#cells.get(`${x},${y}`) ?? []) {
          const place = this.#places.get(item);
          if (place !== undefined && distanceM(place, position) <= radiusM) found.push(item);
        }
      }
    }
    return found;
  }

  #key(x: number, y: number): string {
    return `${Math.floor(x / this.#cellM)},${Math.floor(y / this.#cellM)}`;
  }
}
