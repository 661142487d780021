import { describe, expect, it } from 'vitest'
import { decodeTaskData, encodeTaskData } from './task-data.ts'

describe('task data', () => {
  it('keeps its bytes: other versions of this program read them', () => {
    const bytes = encodeTaskData({
      processName: 'p-é',
      tasks: new Map([
        ['1_0', 300],
        ['0_130', 5],
        ['0_2', 2 ** 40]
      ])
    })
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '0104702dc3a9020002028080808080208201050101 00ac02'.replaceAll(' ', '')
    )
  })

  it('comes back as it was, up to the largest offset sums', () => {
    const data = {
      processName: 'worker 7',
      tasks: new Map([
        ['0_0', 0],
        ['12_4000', Number.MAX_SAFE_INTEGER]
      ])
    }
    expect(decodeTaskData(encodeTaskData(data))).toEqual(data)
  })

  it('ignores what a newer version appended', () => {
    const bytes = encodeTaskData({ processName: 'p', tasks: new Map([['0_1', 9]]) })
    const newer = Uint8Array.from([2, ...bytes.subarray(1), 77, 78])
    expect(decodeTaskData(newer)).toEqual({ processName: 'p', tasks: new Map([['0_1', 9]]) })
  })

  it('is undefined when cut off anywhere, and never throws', () => {
    const bytes = encodeTaskData({
      processName: 'p',
      tasks: new Map([
        ['0_1', 900],
        ['3_1', 9]
      ])
    })
    for (let length = 0; length < bytes.length; length++)
      expect(decodeTaskData(bytes.subarray(0, length))).toBeUndefined()
    expect(decodeTaskData(new Uint8Array([255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]))).toBeUndefined()
  })
})
