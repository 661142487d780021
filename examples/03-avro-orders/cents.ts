/** `'12.50'` is 1250. */
export function centsOf(amount: string): number {
  return Number(amount.replace('.', ''))
}
