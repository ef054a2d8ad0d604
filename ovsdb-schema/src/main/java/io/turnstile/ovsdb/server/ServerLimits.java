package io.turnstile.ovsdb.server;

/**
 * How much clients may make the server hold. What is in bytes is a share of the heap, so that all of it together leaves
 * room for the switch; what is beyond is refused ("resources exhausted", RFC 7047 §4.1.3) or its client is cut off.
 *
 * @param requestBytes the longest request, and the longest string in one
 * @param requestTokens the most names, values and brackets in one request: each is an object in memory
 * @param replyRows the most rows that all of a transaction's selects may find together
 * @param databaseBytes what all rows of a database may take in memory ({@code DataSnapshot.sizeBytes})
 * @param historyBytes what past transactions may take that monitor_cond_since goes on from
 * @param clientBytes what all clients together may have the server hold: requests that are not whole, transactions that
 *     wait, answers and updates that nobody reads
 * @param connections the most clients at once
 * @param perClient the most monitors, the most waiting transactions, and the most locks that one client may have
 * @param together the same of all clients
 */
record ServerLimits(
        int requestBytes,
        int requestTokens,
        int replyRows,
        long databaseBytes,
        long historyBytes,
        long clientBytes,
        int connections,
        int perClient,
        int together) {

    private static final int MIB = 1 << 20;
    /** The longest request of the largest heap. */
    static final int MOST_REQUEST_BYTES = 64 * MIB;

    /**
     * How often a run of a transaction may look at a row, once for each clause and mutation: a second or so in which
     * nobody else is served.
     */
    static final long ROW_VISITS = 20_000_000;

    /** The limits of a process with so large a heap. */
    static ServerLimits ofHeap(long heapBytes) {
        return new ServerLimits(
                Math.clamp(heapBytes / 32, MIB, MOST_REQUEST_BYTES),
                (int) Math.clamp(heapBytes / 512, 64_000, 8L * MIB),
                (int) Math.clamp(heapBytes / 256, 100_000, 16L * MIB),
                heapBytes / 8,
                heapBytes / 32,
                heapBytes / 6, // More than the largest request alone.
                1000,
                100,
                2000);
    }

    /** The limits of this process. */
    static ServerLimits ofThisProcess() {
        return ofHeap(Runtime.getRuntime().maxMemory());
    }
}
