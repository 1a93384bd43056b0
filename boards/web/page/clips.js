// SPDX-License-Identifier: Apache-2.0
// The clips of this browser: kept in its database until the person takes them out.

const DATABASE = "stapes";
const STORE = "clips";
const CHANNEL = "stapes-clips"; // tells other tabs of this page

/**
 * @typedef {object} Clip
 * @property {number} [id] given by the database
 * @property {string} word
 * @property {string} speaker
 * @property {number} number of the speaker's clips of this word
 * @property {Uint8Array<ArrayBuffer>} wav
 * @property {boolean} sent it is in the folder of the server as well
 */

/** The clip is not kept; everything before it is. */
export class StorageError extends Error {
  /** @param {string} reason @param {boolean} full */
  constructor(reason, full) {
    super(reason);
    this.full = full;
  }
}

/** @param {Clip} clip */
export function clipName(clip) {
  return `${clip.speaker}_nohash_${clip.number}.wav`;
}

export class ClipStore {
  /**
   * @returns {Promise<ClipStore>}
   * @throws {StorageError} the browser keeps nothing
   */
  static async open() {
    let asked;
    try {
      asked = indexedDB.open(DATABASE, 1);
    } catch (error) {
      throw storageError(error);
    }
    const open = asked;
    open.onupgradeneeded = () => {
      const store = open.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
      store.createIndex("name", ["word", "speaker", "number"], { unique: true });
    };
    return new ClipStore(await result(open));
  }

  /** @param {IDBDatabase} database */
  constructor(database) {
    this._database = database;
    this._channel = new BroadcastChannel(CHANNEL);
    // A newer page in another tab may want to change the database.
    database.onversionchange = () => database.close();
  }

  /** @param {() => void} take another tab has changed something */
  onOthersChange(take) {
    this._channel.onmessage = take;
  }

  /**
   * Keeps a clip under the next free number. Both happen in one transaction, so that two tabs never
   * give one number twice.
   *
   * @param {string} word
   * @param {string} speaker
   * @param {Uint8Array<ArrayBuffer>} wav
   * @returns {Promise<Clip>}
   * @throws {StorageError}
   */
  async add(word, speaker, wav) {
    const store = this._store("readwrite");
    /** @type {Clip} */
    const clip = { word, speaker, number: 0, wav, sent: false };
    const newest = store.index("name").openCursor(takes(clip), "prev");
    return new Promise((resolve, reject) => {
      newest.onsuccess = () => {
        if (newest.result !== null) clip.number = newest.result.value.number + 1;
        const added = store.add(clip);
        added.onsuccess = () => (clip.id = Number(added.result));
      };
      // Kept means written: a full disk shows when the transaction ends.
      store.transaction.oncomplete = () => {
        this._channel.postMessage("added");
        resolve(clip);
      };
      store.transaction.onabort = () => reject(storageError(store.transaction.error));
    });
  }

  /**
   * Gives a clip another number: at least `least`, and above all others of its speaker and word.
   *
   * @param {Clip} clip
   * @param {number} least
   * @returns {Promise<boolean>} false where it was deleted meanwhile
   * @throws {StorageError}
   */
  async renumber(clip, least) {
    const store = this._store("readwrite");
    if (!(await isIn(store, clip))) return false;
    const newest = await result(store.index("name").openCursor(takes(clip), "prev"));
    clip.number = Math.max(least, (newest?.value.number ?? -1) + 1);
    await result(store.put(clip));
    this._channel.postMessage("renumbered");
    return true;
  }

  /** @param {Clip} clip */
  async has(clip) {
    return isIn(this._store("readonly"), clip);
  }

  /** A clip that was deleted while it was sent stays deleted. @param {Clip} clip */
  async markSent(clip) {
    const store = this._store("readwrite");
    if (!(await isIn(store, clip))) return;
    await result(store.put({ ...clip, sent: true }));
    this._channel.postMessage("sent");
  }

  /** @param {Clip} clip */
  async remove(clip) {
    if (clip.id !== undefined) await result(this._store("readwrite").delete(clip.id));
    this._channel.postMessage("removed");
  }

  async clear() {
    await result(this._store("readwrite").clear());
    this._channel.postMessage("removed");
  }

  /** @returns {Promise<Clip[]>} by word, speaker and number */
  async all() {
    return result(this._store("readonly").index("name").getAll());
  }

  /** @param {IDBTransactionMode} mode */
  _store(mode) {
    try {
      return this._database.transaction(STORE, mode).objectStore(STORE);
    } catch (error) {
      throw storageError(error);
    }
  }
}

/**
 * All clips of the same speaker and word.
 *
 * @param {Clip} clip
 */
function takes({ word, speaker }) {
  return IDBKeyRange.bound([word, speaker, 0], [word, speaker, Infinity]);
}

/** @param {IDBObjectStore} store @param {Clip} clip */
async function isIn(store, clip) {
  return clip.id !== undefined && (await result(store.count(clip.id))) > 0;
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(storageError(request.error));
  });
}

/** @param {unknown} error */
function storageError(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  return new StorageError(error === null ? "it stopped" : String(error), name === "QuotaExceededError");
}
