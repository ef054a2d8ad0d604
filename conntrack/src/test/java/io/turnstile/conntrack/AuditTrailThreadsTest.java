package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Threads write records into a ring of a few places while others read: what is read is one record, never of two. All of
 * a record says the same number.
 */
@Timeout(60)
class AuditTrailThreadsTest {
    private static final int WRITERS = 3;
    private static final int READERS = 2;
    private static final int RECORDS_OF_WRITER = 150_000;
    private static final int REFUSALS_OF_ROUND = 10;

    /** So few that writers meet at one place, and readers are overtaken. */
    private final AuditTrail trail = new AuditTrail(4, 4);

    private final AtomicBoolean written = new AtomicBoolean();

    private Void write(int writer) {
        OffHeap.Region memory = OffHeap.reserve(EntryLayout.SIZE_BYTES + EntryLayout.EXTENSION_BYTES, false);
        long entry = memory.address();
        long extension = entry + EntryLayout.SIZE_BYTES;
        for (int i = 1; i <= RECORDS_OF_WRITER; i++) {
            int n = i * WRITERS + writer;
            boolean extended = (n & 1) == 0;
            OffHeap.putInt(entry + EntryLayout.KIND, EntryLayout.kind(n & 0xffff, 17, 0, extended));
            OffHeap.putLong(entry + EntryLayout.ADDRESSES, (long) n << 32 | n);
            OffHeap.putInt(entry + EntryLayout.PORTS, n << 16 | n & 0xffff);
            OffHeap.putInt(entry + EntryLayout.MARK, n);
            for (int at = 0; at < EntryLayout.SKEW; at += Long.BYTES) {
                OffHeap.putLong(extension + at, n);
            }
            trail.removed(entry, extended ? extension : 0, n, AuditCause.values()[n % 3], n % 5, n);
        }
        assertThat(memory.sizeBytes()).isPositive();
        return null;
    }

    private Long read() {
        long whole = 0;
        while (!written.get()) {
            AuditTrail.Reading reading = trail.newestFirst();
            for (AuditRecord record = reading.next(); record != null; record = reading.next()) {
                check(record);
                whole++;
            }
        }
        return whole;
    }

    private static void check(AuditRecord record) {
        ConnectionSnapshot connection = record.connection;
        int n = (int) record.atNs;
        assertThat(connection.connectionId).isEqualTo(n);
        assertThat(connection.mark).isEqualTo(n);
        assertThat(connection.zone).isEqualTo(n & 0xffff);
        assertThat(connection.original.sourcePort).isEqualTo(n & 0xffff);
        assertThat(connection.original.destinationPort).isEqualTo(n & 0xffff);
        assertThat(connection.ipv6).isEqualTo((n & 1) == 0);
        assertThat(record.cause).isEqualTo(AuditCause.values()[n % 3]);
        assertThat(record.count).isOne();
        assertThat(connection.original.sourceLow).isEqualTo(n);
        assertThat(connection.original.destinationLow).isEqualTo(n);
        if (connection.ipv6) {
            assertThat(connection.original.sourceHigh).isEqualTo(n);
            assertThat(connection.original.destinationHigh).isEqualTo(n);
            assertThat(connection.labelHigh).isEqualTo(n);
            assertThat(connection.labelLow).isEqualTo(n);
        }
    }

    @RepeatedTest(3)
    void noRecordIsOfTwo() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(WRITERS + READERS)) {
            List<Future<Long>> readers = new ArrayList<>();
            for (int i = 0; i < READERS; i++) {
                readers.add(threads.submit(this::read));
            }
            List<Callable<Void>> writers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                int writer = i;
                writers.add(() -> write(writer));
            }
            try {
                for (Future<Void> writer : threads.invokeAll(writers)) {
                    writer.get();
                }
            } finally {
                written.set(true);
            }
            for (Future<Long> reader : readers) {
                assertThat(reader.get()).isPositive();
            }
        }
        assertThat(trail.count(AuditCause.EXPIRED) + trail.count(AuditCause.UNUSED) + trail.count(AuditCause.FLUSHED))
                .isEqualTo((long) WRITERS * RECORDS_OF_WRITER);
    }

    /**
     * Threads whose records of one zone and cause are due at once: no refusal is told of twice, and none not at all.
     */
    @Test
    void everyRefusalIsInOneRecord() throws Exception {
        AuditTrail refusals = new AuditTrail(4, 1 << 20);
        AtomicLong turn = new AtomicLong();
        Race.Actor refuser = round -> {
            for (int i = 0; i < REFUSALS_OF_ROUND; i++) {
                refuse(refusals, 2 * turn.incrementAndGet() * AuditTrail.REFUSAL_PAUSE_NS);
            }
        };
        int rounds = Race.run(() -> {}, () -> {}, refuser, refuser);
        refuse(refusals, Long.MAX_VALUE / 2); // tells of all that was not told
        long told = 0;
        AuditTrail.Reading reading = refusals.newestFirst();
        for (AuditRecord record = reading.next(); record != null; record = reading.next()) {
            assertThat(record.count).isPositive();
            told += record.count;
        }
        assertThat(told).isEqualTo(2L * rounds * REFUSALS_OF_ROUND + 1);
    }

    private static void refuse(AuditTrail trail, long nowNs) {
        TupleKey key = new TupleKey();
        key.kind = EntryLayout.kind(7, 17, 0, false);
        trail.refused(key, AuditCause.TABLE_FULL, nowNs);
    }
}
