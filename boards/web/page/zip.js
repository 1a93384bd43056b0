// SPDX-License-Identifier: Apache-2.0
// ZIP files whose content is stored as it is (APPNOTE.TXT of PKWARE, sections 4.3 and 4.4).

const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const UTF8_NAMES = 1 << 11;
const MOST_FILES = 65535;
const MOST_BYTES = 2 ** 32 - 1;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; ++bit) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * @param {{name: string, bytes: Uint8Array<ArrayBuffer>}[]} files
 * @param {Date} [time]
 * @returns {Blob}
 */
export function makeZip(files, time = new Date()) {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const parts = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const central = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const path = new TextEncoder().encode(name);
    const about = describe(path, bytes, time);
    const local = new Uint8Array(LOCAL_BYTES + path.length);
    new DataView(local.buffer).setUint32(0, 0x04034b50, true);
    local.set(about, 4);
    local.set(path, LOCAL_BYTES);
    parts.push(local, bytes);
    central.push(entry(about, path, offset));
    offset += local.length + bytes.length;
  }
  const size = central.reduce((sum, part) => sum + part.length, 0);
  if (files.length > MOST_FILES || offset + size > MOST_BYTES) throw new Error("too much for one ZIP");
  return new Blob([...parts, ...central, end(files.length, size, offset)], { type: "application/zip" });
}

/**
 * The 26 bytes that both headers of a file share: from the version to the lengths of its names.
 *
 * @param {Uint8Array} path
 * @param {Uint8Array} bytes
 * @param {Date} time
 */
function describe(path, bytes, time) {
  const about = new DataView(new ArrayBuffer(26));
  about.setUint16(0, 20, true);
  about.setUint16(2, UTF8_NAMES, true);
  about.setUint16(6, (time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1), true);
  about.setUint16(8, ((time.getFullYear() - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate(), true);
  about.setUint32(10, crc32(bytes), true);
  about.setUint32(14, bytes.length, true);
  about.setUint32(18, bytes.length, true);
  about.setUint16(22, path.length, true);
  return new Uint8Array(about.buffer);
}

/**
 * @param {Uint8Array} about
 * @param {Uint8Array} path
 * @param {number} offset of the local header
 */
function entry(about, path, offset) {
  const made = new Uint8Array(CENTRAL_BYTES + path.length);
  const view = new DataView(made.buffer);
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(4, 20, true);
  made.set(about, 6);
  view.setUint32(42, offset, true);
  made.set(path, CENTRAL_BYTES);
  return made;
}

/** @param {number} count @param {number} size @param {number} offset */
function end(count, size, offset) {
  const view = new DataView(new ArrayBuffer(END_BYTES));
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(8, count, true);
  view.setUint16(10, count, true);
  view.setUint32(12, size, true);
  view.setUint32(16, offset, true);
  return new Uint8Array(view.buffer);
}
