import { expect, test } from 'vitest'
import { parseCsv } from './csv.ts'

test('reads fields by the names in the header', () => {
  expect(parseCsv('iata,state\nJFK,NY\nLAX,CA\n')).toEqual([
    { iata: 'JFK', state: 'NY' },
    { iata: 'LAX', state: 'CA' }
  ])
})

test('reads commas, doubled quotes and line breaks in quoted fields', () => {
  expect(parseCsv('a,b\r\n"W. H. ""Bud"" Barron","Union, Troy\nShelton"\r\n')).toEqual([
    { a: 'W. H. "Bud" Barron', b: 'Union, Troy\nShelton' }
  ])
})

test('reads empty fields, at the end of a row too', () => {
  expect(parseCsv('a,b\n,\n"",x')).toEqual([
    { a: '', b: '' },
    { a: '', b: 'x' }
  ])
})

test('refuses a row with too few or too many fields', () => {
  expect(() => parseCsv('a,b\nx')).toThrow('Row 1 of the CSV has 1 fields, its header has 2.')
  expect(() => parseCsv('a,b\n1,2\n1,2,3')).toThrow('Row 2 of the CSV has 3 fields')
})

test('refuses a quote in the middle of a field', () => {
  expect(() => parseCsv('a\nx"y"\n')).toThrow('stray quote')
})
