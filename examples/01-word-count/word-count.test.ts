import { TopologyTestDriver } from '@millrace/testing'
import '@millrace/testing/vitest'
import { int64, string } from 'millrace'
import { expect, test } from 'vitest'
import { wordCount } from './word-count.ts'

async function started() {
  const driver = await TopologyTestDriver.open(wordCount('lines', 'words'))
  return {
    driver,
    lines: driver.inputTopic('lines', { key: string(), value: string() }),
    words: driver.outputTopic('words', { key: string(), value: int64() })
  }
}

test('each word is counted, whatever its case and line', async () => {
  const { driver, lines, words } = await started()
  await using _ = driver
  lines.pipe('"All the world\'s a stage,"@0')
  expect(words).toHaveEmitted("all:1@0 the:1@0 world's:1@0 a:1@0 stage:1@0")
  lines.pipe('"And all the men"@5s')
  expect(words).toHaveEmitted('and:1@5s all:2@5s the:2@5s men:1@5s')
  await expect(driver).toHaveStore('counts', { a: 1, all: 2, and: 1, men: 1, stage: 1, the: 2, "world's": 1 })
})

test('a line without a word counts nothing', async () => {
  const { driver, lines, words } = await started()
  await using _ = driver
  lines.pipe('"..."@0 ""@1s')
  expect(words).toHaveEmitted('')
})

test('counting goes on after a restart, on another machine too', async () => {
  const { driver, lines, words } = await started()
  await using _ = driver
  lines.pipe('tea@0')
  await driver.restart()
  lines.pipe('tea@+1s')
  await driver.restart({ disk: 'lost' })
  lines.pipe('tea@+1s')
  expect(words).toHaveEmitted('tea:1@0 tea:2@1s tea:3@2s')
})
