import { fork } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Secret } from '@tallystick/core'
import { describe, expect, test } from 'vitest'
import { eraseJournal, openJournal, readJournal } from '../../src/node/disk-journal.ts'
import { entryHeaderBytes, segmentHeaderBytes } from '../../src/node/journal-segment.ts'
import { bytes, codeOf, files, fill, options, using, written } from './journal-folder.ts'

describe('contents', () => {
  test('are read back in the order of writing, in the same process and after', () => {
    const sizes = [0, 1, 1000, 8191, 8192, 300_000, 1 << 20]
    const check = (journal: ReturnType<typeof openJournal>): void => {
      expect([...journal.keys('receive')]).toEqual(sizes.map((size) => `s ${size}`))
      for (const size of sizes) expect(Buffer.from(journal.get('receive', `s ${size}`)!).equals(bytes(size))).toBe(true)
      expect(journal.get('state', 'ä€🙂')).toEqual(bytes(3))
      expect(journal.has('compute', 's 0')).toBe(false)
      expect(journal.get('compute', 's 0')).toBeUndefined()
    }
    using((journal) => {
      expect(journal.resumed).toBe(false)
      for (const size of sizes) journal.append('receive', `s ${size}`, bytes(size))
      journal.append('state', 'ä€🙂', bytes(3))
      check(journal)
    })
    using((journal) => {
      expect(journal.resumed).toBe(true)
      check(journal)
      journal.append('compute', 'later', bytes(9))
    })
    using((journal) => expect(journal.get('compute', 'later')).toEqual(bytes(9)))
    const reading = readJournal(options)
    check(reading)
    expect(codeOf(() => reading.append('state', 'x', bytes(1)))).toBe('api/misuse')
    reading.close()
  })

  test('are bytes alone in their buffer', () => {
    using((journal) => {
      for (const size of [0, 5, 100_000]) {
        journal.append('receive', `${size}`, bytes(size))
        const body = journal.get('receive', `${size}`)!
        expect(body.constructor).toBe(Uint8Array)
        expect(body.buffer.byteLength).toBe(size)
      }
    })
  })

  test('are encrypted, names too', () => {
    using((journal) => journal.append('receive', 'psi/ecdh/masked', Buffer.from('a resident id 110101199003070134')))
    const disk = Buffer.concat(
      fs.readdirSync(options.folder).map((name) => fs.readFileSync(path.join(options.folder, name))),
    )
    expect(disk.includes('masked')).toBe(false)
    expect(disk.includes('resident')).toBe(false)
  })

  test('of a key are written once', () => {
    using((journal) => {
      journal.append('state', 'seed', bytes(32))
      expect(codeOf(() => journal.append('state', 'seed', bytes(32)))).toBe('api/misuse')
      journal.append('receive', 'seed', bytes(32))
    })
  })

  test('under the same number are never under the same key and nonce', () => {
    // Cut the tail, write something else at the same place: no two ciphertexts may share a key stream.
    using((journal) => journal.append('receive', 'a', new Uint8Array(64)))
    const first = fs.readFileSync(written()).subarray(segmentHeaderBytes + entryHeaderBytes, -16)
    fs.rmSync(options.folder, { recursive: true })
    using((journal) => journal.append('receive', 'a', new Uint8Array(64)))
    const second = fs.readFileSync(written()).subarray(segmentHeaderBytes + entryHeaderBytes, -16)
    expect(first.equals(second)).toBe(false)
    using((journal) => journal.append('receive', 'b', new Uint8Array(64)))
    const third = fs.readFileSync(files().at(-1)).subarray(segmentHeaderBytes + entryHeaderBytes, -16)
    expect(third.subarray(1).equals(second.subarray(1))).toBe(false)
  })
})

describe('the lock', () => {
  test('keeps a second opener out, and goes with close', () => {
    const journal = openJournal(options)
    expect(codeOf(() => openJournal(options))).toBe('journal/locked')
    journal.close()
    using(() => {})
  })

  test('holds for a copy of the folder too: one process goes on with a journal, wherever the copies lie', () => {
    const journal = openJournal(options)
    journal.append('state', 'seed', new Uint8Array(32))
    journal.sync()
    const copy = { ...options, folder: `${options.folder}-copy` }
    fs.cpSync(options.folder, copy.folder, { recursive: true })
    expect(codeOf(() => openJournal(copy))).toBe('journal/locked')
    journal.close()
  })
})

describe('damage', () => {
  const flip = (file: string, at: number): void => {
    const content = fs.readFileSync(file)
    content[at]! ^= 0x40
    fs.writeFileSync(file, content)
  }

  test('of any byte is an error, never other contents', () => {
    using((journal) => {
      for (let i = 0; i < 3; i++) journal.append('receive', `s#${i}`, bytes(20, i))
    })
    const file = written()
    const original = fs.readFileSync(file)
    const codes = new Set<string>()
    for (let at = 0; at < original.length; at++) {
      flip(file, at)
      const writing = codeOf(() => using((journal) => journal.keys('receive')))
      // A length that was made longer looks like a torn tail; the count outside tells that it is none.
      expect(['journal/corrupt', 'journal/wrong-key', 'journal/rewound']).toContain(writing)
      codes.add(writing)
      const reading = codeOf(() => readJournal(options).close())
      expect(['journal/corrupt', 'journal/wrong-key']).toContain(reading)
      fs.writeFileSync(file, original)
      fs.rmSync(path.join(options.folder, 'burned'), { force: true })
    }
    expect(codes).toContain('journal/corrupt')
  })

  test('of every segment header field is told from a wrong key', () => {
    fill()
    for (const at of [0, 8, 24, 28, 32, 48, 80, 88, 104]) {
      const original = fs.readFileSync(written())
      flip(written(), at)
      expect(codeOf(() => openJournal(options))).toBe('journal/corrupt')
      fs.writeFileSync(files()[1]!, original)
    }
    expect(codeOf(() => openJournal({ ...options, storageKey: Secret.of(new Uint8Array(32)) }))).toBe(
      'journal/wrong-key',
    )
    expect(codeOf(() => readJournal({ ...options, storageKey: Secret.of(new Uint8Array(32)) }))).toBe(
      'journal/wrong-key',
    )
    using((journal) => expect([...journal.keys('receive')]).toHaveLength(5))
  })

  test('by dropping, swapping or splicing entries is detected', () => {
    const record = entryHeaderBytes + 3 + 100 + 16
    using((journal) => {
      for (let i = 0; i < 4; i++) journal.append('receive', `s#${i}`, bytes(100, i))
    })
    const file = written()
    const original = fs.readFileSync(file)
    const entry = (i: number): Buffer =>
      original.subarray(segmentHeaderBytes + i * record, segmentHeaderBytes + (i + 1) * record)
    const head = original.subarray(0, segmentHeaderBytes)
    for (const order of [
      [1, 2, 3],
      [0, 2, 3],
      [1, 0, 2, 3],
      [0, 1, 1, 2, 3],
      [3, 2, 1, 0],
    ]) {
      fs.writeFileSync(file, Buffer.concat([head, ...order.map(entry)]))
      expect(codeOf(() => openJournal(options))).toBe('journal/corrupt')
    }
    fs.writeFileSync(file, original)
    using(() => {})
  })

  test('of a segment before the last is detected', () => {
    fill()
    using((journal) => journal.append('receive', 'later', bytes(10)))
    const file = files().find((name) => fs.statSync(name).size > segmentHeaderBytes)!
    const original = fs.readFileSync(file)
    fs.writeFileSync(file, original.subarray(0, -3))
    expect(codeOf(() => openJournal(options))).toBe('journal/corrupt')
    fs.writeFileSync(file, original.subarray(0, original.length - (entryHeaderBytes + 3 + 104 + 16)))
    expect(codeOf(() => openJournal(options))).toBe('journal/corrupt')
    fs.rmSync(file)
    expect(codeOf(() => openJournal(options))).toBe('journal/corrupt')
  })
})

describe('large bodies, apart from their entries', () => {
  const size = 300_000
  const place = (name = '0002.bodies'): string => path.join(options.folder, name)
  const write = (): void =>
    using((journal) => {
      journal.append('receive', 'small', bytes(10))
      journal.append('receive', 'large', bytes(size))
      journal.append('receive', 'small too', bytes(11))
      journal.append('receive', 'large too', bytes(size, 2))
    })

  test('are encrypted, and read back in this run and the next', () => {
    write()
    const disk = fs.readFileSync(place())
    expect(disk.length).toBe(2 * Math.ceil((size + 16) / 4096) * 4096)
    expect(disk.includes(Buffer.from(bytes(64)))).toBe(false)
    using((journal) => {
      expect([...journal.keys('receive')]).toEqual(['small', 'large', 'small too', 'large too'])
      expect(Buffer.from(journal.get('receive', 'large too')!).equals(bytes(size, 2))).toBe(true)
      journal.append('receive', 'large again', bytes(size, 3))
      expect(Buffer.from(journal.get('receive', 'large again')!).equals(bytes(size, 3))).toBe(true)
    })
    expect(fs.readFileSync(place()).equals(disk)).toBe(true)
  })

  test('that were damaged, swapped, cut or taken away are found out', () => {
    write()
    const original = fs.readFileSync(place())
    const half = original.length / 2
    const flipped = Buffer.from(original)
    flipped[half + 5]! ^= 1
    const damages = [
      flipped,
      Buffer.concat([original.subarray(half), original.subarray(0, half)]),
      original.subarray(0, half + 4096),
    ]
    for (const damage of damages) {
      fs.writeFileSync(place(), damage)
      expect(['journal/corrupt', 'journal/rewound']).toContain(codeOf(() => openJournal(options)))
      fs.rmSync(path.join(options.folder, 'burned'), { force: true })
    }
    fs.rmSync(place())
    expect(codeOf(() => openJournal(options))).toBe('journal/rewound')
  })

  test('that did not reach the disk before a power loss are cut with their entries', () => {
    using((journal) => {
      journal.append('receive', 'large', bytes(size))
      journal.sync()
      journal.append('receive', 'large too', bytes(size, 2))
      journal.append('receive', 'small', bytes(3))
    })
    fs.truncateSync(place(), fs.statSync(place()).size - 8192)
    using((journal) => expect([...journal.keys('receive')]).toEqual(['large']), { boot: 'boot 2' })
  })

  test('pass through a thread of their own, in order, once there are many', () => {
    const many = 80
    using((journal) => {
      for (let i = 0; i < many; i++) journal.append('receive', `s#${i}`, bytes(size + i, i))
    })
    using((journal) => {
      for (const i of [0, 27, 28, 60, many - 1])
        expect(Buffer.from(journal.get('receive', `s#${i}`)!).equals(bytes(size + i, i))).toBe(true)
    })
  })

  test('that cannot be written are journal/io', () => {
    const journal = openJournal(options)
    fs.rmSync(options.folder, { recursive: true })
    expect(codeOf(() => (journal.append('receive', 'large', bytes(size)), journal.flush()))).toBe('journal/io')
    journal.close()
  })
})

describe('a disk that fails', () => {
  test('is told at once where the thread of the bodies cannot open its file, and the journal is let go', () => {
    const journal = openJournal(options)
    for (let i = 0; i < 8; i++) journal.append('receive', `s#${i}`, new Uint8Array(1 << 20))
    journal.flush()
    const [file] = files('.bodies')
    fs.rmSync(file!)
    const began = Date.now()
    const fails = (action: () => void): void => expect(action).toThrow(/ENOENT/)
    fails(() => {
      journal.append('receive', 'over', new Uint8Array(1 << 20))
      journal.flush()
    })
    journal.close()
    expect(Date.now() - began).toBeLessThan(20_000)
    // The lock is free: what stops the opening is the body that is gone.
    expect(codeOf(() => openJournal(options))).not.toBe('journal/locked')
  })
})

describe('kill -9', () => {
  test('loses no acknowledged entry, at 20 random moments', { timeout: 120_000 }, async () => {
    const writer = fileURLToPath(new URL('journal-writer.ts', import.meta.url))
    let total = 0
    for (let round = 0; round < 20; round++) {
      const child = fork(writer, [options.folder, options.generations!, options.boot!], {
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      })
      let acknowledged = total
      let text = ''
      child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()))
      await once(child, 'message')
      await new Promise((resolve) => setTimeout(resolve, Math.random() * (round % 3 === 0 ? 300 : 20)))
      child.kill('SIGKILL')
      await once(child, 'close')
      const last = text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1)
      if (last) acknowledged = Number(last) + 1
      const journal = openJournal(options)
      const keys = [...journal.keys('receive')]
      expect(keys.length).toBeGreaterThanOrEqual(acknowledged)
      expect(keys).toEqual(keys.map((_, i) => `s#${i}`))
      for (const i of [0, keys.length >> 1, keys.length - 1].filter((n) => n >= 0 && n < keys.length))
        expect(
          Buffer.from(journal.get('receive', `s#${i}`)!).equals(bytes(i % 8 === 7 ? 700_000 : (i * 7919) % 20_000, i)),
        ).toBe(true)
      total = keys.length
      journal.close()
    }
    expect(total).toBeGreaterThan(20)
  })
})

test('an erased journal is gone, and its generation with it', () => {
  fill()
  const id = fs.readFileSync(path.join(options.folder, 'id'))
  const segment = fs.readFileSync(written())
  eraseJournal(options)
  expect(fs.existsSync(options.folder)).toBe(false)
  expect(fs.readdirSync(options.generations!)).toEqual([])
  // What is left of a segment does not open without the id.
  fs.mkdirSync(options.folder)
  fs.writeFileSync(
    path.join(options.folder, 'id'),
    id.map((byte) => byte ^ 1),
  )
  fs.writeFileSync(path.join(options.folder, '0001.segment'), segment)
  expect(codeOf(() => readJournal(options))).toBe('journal/wrong-key')
})

test('a full disk is journal/io, and nothing is written after it', () => {
  const journal = openJournal(options)
  const original = fs.writeSync
  journal.append('receive', 'a', bytes(3))
  journal.flush()
  fs.writeSync = () => {
    throw Object.assign(new Error('full'), { code: 'ENOSPC' })
  }
  try {
    journal.append('receive', 'b', bytes(3))
    expect(codeOf(() => journal.flush())).toBe('journal/io')
  } finally {
    fs.writeSync = original
  }
  expect(codeOf(() => journal.append('receive', 'c', bytes(3)))).toBe('journal/io')
  journal.close()
  using((again) => expect([...again.keys('receive')]).toEqual(['a']))
})
