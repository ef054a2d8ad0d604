package io.turnstile.ovsdb.server;

/**
 * Where a database file stops being readable.
 *
 * @param record the number of the record that is no record, from 0
 * @param offset where in the file it begins
 * @param lostBytes from there to the file's end
 * @param what is wrong with it, in words
 * @param unfinished true for what a crash leaves of the last write: nothing but the beginning of one record
 * @param goodBehind whole records that follow it
 * @param goodCounted false if there may be more of them: looking for them is bounded
 */
record Damage(
        long record,
        long offset,
        long lostBytes,
        String what,
        boolean unfinished,
        long goodBehind,
        boolean goodCounted) {

    /** "record 17 at offset 4711: …", and what follows it. */
    String inWords() {
        String behind = unfinished
                ? ""
                : goodBehind == 0
                        ? "; no good record follows"
                        : "; %s%d good record%s behind it"
                                .formatted(goodCounted ? "" : "at least ", goodBehind, goodBehind == 1 ? "" : "s");
        return "record " + record + " at offset " + offset + ": " + what + behind;
    }
}
