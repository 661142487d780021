/** What the random plays are seeded with; `DIFFERENTIAL_SEEDS=13,14` for others. */
export const SEEDS = (process.env.DIFFERENTIAL_SEEDS ?? '1,2,3,4,5,6,7,8,9,10,11,12').split(',').map(Number)
