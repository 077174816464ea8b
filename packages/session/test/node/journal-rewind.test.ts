import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { openJournal, readJournal } from '../../src/node/disk-journal.ts'
import { segmentHeaderBytes } from '../../src/node/journal-segment.ts'
import { bytes, codeOf, fill, home, options, using, written } from './journal-folder.ts'

describe('rewind', () => {
  test('any number of kills between the segment and the generation of an opening is none', () => {
    fill()
    const generation = (): string => {
      const [name] = fs.readdirSync(options.generations!).filter((each) => !each.endsWith('.lock'))
      return path.join(options.generations!, name!)
    }
    const known = fs.readFileSync(generation())
    // What a kill there leaves: the new segment, and the generation as it was before.
    for (let kills = 0; kills < 2; kills++) {
      using(() => {})
      fs.writeFileSync(generation(), known)
    }
    using((journal) => {
      expect([...journal.keys('receive')].length).toBe(5)
      journal.append('receive', 'after', bytes(1))
    })
    // The same with an entry in a later segment is a generation that was put back.
    fs.writeFileSync(generation(), known)
    expect(codeOf(() => using(() => {}))).toBe('journal/rewound')
  })

  test('a torn last entry, never acknowledged, is cut', () => {
    fill(3)
    fs.appendFileSync(written(), fs.readFileSync(written()).subarray(segmentHeaderBytes, segmentHeaderBytes + 50))
    using((journal) => {
      expect([...journal.keys('receive')]).toEqual(['s#0', 's#1', 's#2'])
      journal.append('receive', 's#3', bytes(4))
    })
    using((journal) => expect(journal.get('receive', 's#3')).toEqual(bytes(4)))
  })

  test.each([1, 20, 132])('an acknowledged tail shorter by %i bytes burns the attempt', (cut) => {
    fill(3)
    const file = written()
    fs.truncateSync(file, fs.statSync(file).size - cut)
    expect(codeOf(() => openJournal(options))).toBe('journal/rewound')
    expect(codeOf(() => openJournal(options))).toBe('journal/rewound')
    readJournal(options).close()
  })

  test('an old copy of the folder burns the attempt, whenever it was taken', () => {
    const copy = path.join(home, 'copy')
    for (const moment of ['running', 'closed'] as const) {
      const folder = path.join(home, moment)
      using(
        (journal) => {
          journal.append('receive', 'a', bytes(5))
          journal.sync()
          if (moment === 'running') fs.cpSync(folder, copy, { recursive: true })
          if (moment === 'running') journal.append('receive', 'b', bytes(5))
        },
        { folder },
      )
      if (moment === 'closed') fs.cpSync(folder, copy, { recursive: true })
      if (moment === 'closed') using(() => {}, { folder })
      fs.rmSync(folder, { recursive: true })
      fs.renameSync(copy, folder)
      expect(codeOf(() => openJournal({ ...options, folder }))).toBe('journal/rewound')
      // Burned outside too: the marker alone can be taken away.
      fs.rmSync(path.join(folder, 'burned'))
      expect(codeOf(() => openJournal({ ...options, folder }))).toBe('journal/rewound')
    }
  })

  test('a journal without its generation, as on another machine, is not resumed', () => {
    fill()
    expect(codeOf(() => openJournal({ ...options, generations: path.join(home, 'elsewhere') }))).toBe('journal/rewound')
  })

  test('a generation that is behind the journal is not believed', () => {
    fill()
    const [name] = fs.readdirSync(options.generations!)
    const file = path.join(options.generations!, name!)
    const old = fs.readFileSync(file)
    using((journal) => journal.append('receive', 'more', bytes(1)))
    fs.writeFileSync(file, old)
    expect(codeOf(() => openJournal(options))).toBe('journal/rewound')
  })

  const restart = { boot: 'boot 2' }
  test('after a restart a session resumes that has sent nothing since its sync', () => {
    using((journal) => {
      journal.append('state', 'seed', bytes(32))
      journal.markSent()
      journal.sync()
      journal.append('receive', 'unsynced', bytes(10))
    })
    // The unsynced page did not reach the disk.
    const file = written()
    const size = fs.statSync(file).size
    fs.truncateSync(file, size - 20)
    fs.appendFileSync(file, new Uint8Array(4096))
    using((journal) => {
      expect(journal.has('state', 'seed')).toBe(true)
      expect(journal.has('receive', 'unsynced')).toBe(false)
    }, restart)
  })

  test('after a restart a session that has sent since its sync is burned', () => {
    using((journal) => {
      journal.append('state', 'seed', bytes(32))
      journal.sync()
      journal.markSent()
    })
    expect(codeOf(() => openJournal({ ...options, ...restart }))).toBe('journal/rewound')
    expect(codeOf(() => openJournal(options))).toBe('journal/rewound')
  })

  test('after a restart a journal that lost synced entries is burned', () => {
    using((journal) => {
      journal.append('state', 'seed', bytes(32))
      journal.sync()
    })
    fs.truncateSync(written(), segmentHeaderBytes)
    expect(codeOf(() => openJournal({ ...options, ...restart }))).toBe('journal/rewound')
  })

  test('in the same boot a session that has sent resumes: nothing is lost by kill -9', () => {
    using((journal) => {
      journal.append('receive', 'a', bytes(3))
      journal.markSent()
    })
    using((journal) => expect(journal.get('receive', 'a')).toEqual(bytes(3)))
    // All that was there at the opening was synced by it.
    using((journal) => expect(journal.has('receive', 'a')).toBe(true), restart)
  })
})
