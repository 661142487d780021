import { expect, test } from 'vitest'
import { checkOptions } from './check-options.ts'

test('accepts what exists', () => {
  expect(() => checkOptions('count()', { store: 'x', name: undefined }, ['store', 'name'])).not.toThrow()
})

test('refuses what does not, with the nearest name', () => {
  expect(() => checkOptions('count()', { stroe: 'x' }, ['name', 'store'])).toThrow(
    expect.objectContaining({
      code: 'CONFIG_UNKNOWN_OPTION',
      message: expect.stringContaining("count() has no option 'stroe'. Did you mean 'store'?"),
      details: expect.objectContaining({ option: 'stroe', nearest: 'store' })
    })
  )
})

test('lists all names when none is near', () => {
  expect(() => checkOptions('peek()', { partitions: 3 }, ['name'])).toThrow(/It takes 'name'\./)
})

test('refuses what is no object', () => {
  expect(() => checkOptions('count()', null as never, [])).toThrow(/takes an object of options, not null/)
  expect(() => checkOptions('count()', 'counts' as never, [])).toThrow(/not a string/)
})
