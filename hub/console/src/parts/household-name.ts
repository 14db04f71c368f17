// What people call a household, where only its id is told.
import type { Overview } from "../api.js";

/** The household's name; its id while the overview does not know it. */
export const householdName = (overview: Overview | undefined, household: string): string =>
  overview?.households.find((one) => one.household === household)?.name ?? household;
