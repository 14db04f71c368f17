// Where the community map puts houses and streams: plain geometry, no drawing.

export interface House {
  household: string;
  name: string;
  /** Has a generator, and so stands on the makers' side. */
  isMaker: boolean;
  /** + gives to the neighbourhood, − takes from it; null when nothing is known. */
  strength: number | null;
}

export interface Place extends House {
  x: number;
  y: number;
  /** −1 left (makers), +1 right (users). */
  side: -1 | 1;
}

export interface Stream {
  /** null for the main grid. */
  household: string | null;
  path: string;
  width: number;
  /** Towards the middle (a giver) or out of it (a taker). */
  isInward: boolean;
}

export interface CommunityMap {
  width: number;
  height: number;
  centre: { x: number; y: number; radius: number };
  grid: { x: number; y: number };
  places: Place[];
  /** Households that found no room and are drawn together at the foot of their side. */
  hidden: number;
  hasLabels: boolean;
  /** On a narrow map: first names only, on the outer side of the houses. */
  hasShortLabels: boolean;
  /** Houses are drawn up to this radius. */
  houseRadius: number;
}

const WIDE = 600;
/** Rows are never closer than this; labels need more room than bare houses. */
const LEAST_STEP = { wide: 27, narrow: 24 };
const WIDEST_STEP = 92;
/** Above the houses of a narrow map stand the totals. */
const HEAD = 50;
const WIDEST_GRID_STREAM = 38;
/** The room of a short name beside its house. */
const SHORT_LABEL = 60;
const SHORT_LETTERS = 8;

/** "Amina", "St. Brig…": what a narrow map has room for. */
export function shortName(name: string): string {
  const [first = "", second] = name.split(" ");
  const short = first.endsWith(".") && second ? `${first} ${second}` : first;
  return short.length > SHORT_LETTERS ? `${short.slice(0, SHORT_LETTERS - 1).trimEnd()}…` : short;
}

/** Puts makers in an arc on the left, users in an arc on the right, the exchange in the middle and the grid below it. */
export function layOut(houses: readonly House[], width: number, height: number): CommunityMap {
  const isWide = width >= WIDE;
  const head = isWide ? 0 : HEAD;
  const centre = { x: width / 2, y: (height - 58 + head) / 2 + 4, radius: Math.min(isWide ? 64 : 50, height * 0.15) };
  let left = houses.filter((house) => house.isMaker);
  let right = houses.filter((house) => !house.isMaker);
  if (left.length === 0 || right.length === 0) {
    const half = Math.ceil(houses.length / 2);
    left = houses.slice(0, half);
    right = houses.slice(half);
  }
  const usable = height - 36 - head;
  const perColumn = Math.max(1, Math.floor(usable / (isWide ? LEAST_STEP.wide : LEAST_STEP.narrow)));
  const most = Math.max(left.length, right.length);
  const columns = Math.min(Math.ceil(most / perColumn), isWide ? 4 : 2);
  const hasLabels = isWide && columns === 1;
  const hasShortLabels = !isWide && columns === 1;
  const room = perColumn * columns;
  const houseRadius = columns === 1 ? Math.min(24, Math.max(isWide ? 14 : 11, (usable / most) * 0.3)) : 12;
  const edge = hasLabels ? 150 : isWide ? 60 : hasShortLabels ? SHORT_LABEL + houseRadius : 24;
  const place = (side: -1 | 1, row: readonly House[]): Place[] => {
    const shown = row.slice(0, room);
    const step = Math.min(usable / shown.length, WIDEST_STEP);
    const reach = usable * 0.62;
    return shown.map((house, index) => {
      const dy = (index - (shown.length - 1) / 2) * step;
      const bow = Math.sqrt(Math.max(0, 1 - (dy / reach) ** 2));
      const inset = (index % columns) * 34;
      const x = centre.x + side * ((centre.x - edge) * (0.72 + 0.28 * bow) - inset);
      return { ...house, x, y: (height + head) / 2 + dy, side };
    });
  };
  return {
    width,
    height,
    centre,
    grid: { x: centre.x, y: height - 26 },
    places: [...place(-1, left), ...place(1, right)],
    hidden: Math.max(0, left.length - room) + Math.max(0, right.length - room),
    hasLabels,
    hasShortLabels,
    houseRadius,
  };
}

/** Streams from givers into the exchange and out to takers, as thick as their share; the grid covers the difference. */
export function drawStreams(map: CommunityMap, gridStrength: number): Stream[] {
  const { centre, places } = map;
  const strengths = places.map((place) => place.strength ?? 0);
  const given = sum(strengths.filter((value) => value > 0)) + Math.max(0, gridStrength);
  const taken = -sum(strengths.filter((value) => value < 0)) + Math.max(0, -gridStrength);
  const largest = Math.max(given, taken);
  if (largest <= 0) return [];
  const strongest = Math.max(1, ...strengths.map(Math.abs));
  const scale = Math.min((centre.radius * 1.5) / largest, (map.houseRadius * 1.7) / strongest);
  const streams: Stream[] = [];
  for (const side of [-1, 1] as const) {
    const row = places.filter((place) => place.side === side && (place.strength ?? 0) !== 0).sort((a, b) => a.y - b.y);
    const widths = row.map((place) => Math.max(1.2, Math.abs(place.strength ?? 0) * scale));
    let foot = centre.y - sum(widths) / 2;
    row.forEach((place, index) => {
      const width = widths[index] ?? 0;
      const y = foot + width / 2;
      foot += width;
      const x = centre.x + side * centre.radius * 0.55;
      const bend = (place.x - x) * 0.5;
      streams.push({
        household: place.household,
        path: `M${fix(place.x)} ${fix(place.y)}C${fix(place.x - bend)} ${fix(place.y)} ${fix(x + bend)} ${fix(y)} ${fix(x)} ${fix(y)}`,
        width,
        isInward: (place.strength ?? 0) > 0,
      });
    });
  }
  if (gridStrength !== 0) {
    streams.push({
      household: null,
      path: `M${fix(map.grid.x)} ${fix(map.grid.y)}L${fix(centre.x)} ${fix(centre.y + centre.radius * 0.6)}`,
      width: Math.min(WIDEST_GRID_STREAM, Math.max(1.2, Math.abs(gridStrength) * scale)),
      isInward: gridStrength > 0,
    });
  }
  return streams;
}

/** The bow from a seller to a buyer, bent through the middle. */
export function bow(from: Place, to: Place, map: CommunityMap): string {
  const { x, y } = map.centre;
  const pull = 0.75;
  const near = (place: Place): string => `${fix(place.x + (x - place.x) * pull)} ${fix(place.y + (y - place.y) * pull)}`;
  return `M${fix(from.x)} ${fix(from.y)}C${near(from)} ${near(to)} ${fix(to.x)} ${fix(to.y)}`;
}

/** The house nearest to a point, if one is within a finger's reach. */
export function nearest(places: readonly Place[], x: number, y: number, reach = 26): Place | null {
  let best: Place | null = null;
  let least = reach;
  for (const place of places) {
    const distance = Math.hypot(place.x - x, place.y - y);
    if (distance <= least) {
      best = place;
      least = distance;
    }
  }
  return best;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const fix = (value: number): string => value.toFixed(1);
