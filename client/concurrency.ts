/** Calls to the server at once, for whatever is asked per deployment. */
export const CALLS_MAX = 16;

/** Maps with at most `CALLS_MAX` calls under way; results in the order of `items`. Rejects with the first rejection. */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) results[index] = await map(item);
  };
  await Promise.all(Array.from({ length: Math.min(CALLS_MAX, items.length) }, work));
  return results;
}
