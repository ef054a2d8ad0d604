package io.turnstile.ovsdb.server;

import io.turnstile.ovsdb.data.DataRow;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * What all clients together make the server hold. As soon as that is more than allowed the greediest of them is cut
 * off, and the next one, until it is not.
 *
 * <p>Threads: the server's event loop.
 */
final class ClientBudget {
    private final long limitBytes;
    private final Predicate<DataRow> isCurrent;
    private final Executor loop;
    private final Set<Account> accounts = new LinkedHashSet<>();
    private boolean checkIsDue;
    /** What {@link #claimedBytes} counted too much when it was last compared with {@link #heldBytes}. */
    private long overcountedBytes;

    /**
     * A budget of so many bytes.
     *
     * @param isCurrent whether a row is in the database anyway
     * @param loop runs a check after what is going on now: nobody is cut off in the middle of it
     */
    ClientBudget(long limitBytes, Predicate<DataRow> isCurrent, Executor loop) {
        this.limitBytes = limitBytes;
        this.isCurrent = isCurrent;
        this.loop = loop;
    }

    /** What a client makes the server hold, beside rows. */
    enum Held {
        /** A request that is not whole yet or not answered yet. */
        REQUEST,
        /** What was asked for and stays: monitors, waiting transactions, locks. */
        KEPT,
        /** Text on its way to the client. */
        UNSENT
    }

    /** One client's part. */
    final class Account {
        private final long[] heldBytes = new long[Held.values().length];
        private final Supplier<RowsHeld> rows;
        private final Consumer<String> cutOff;

        private Account(Supplier<RowsHeld> rows, Consumer<String> cutOff) {
            this.rows = rows;
            this.cutOff = cutOff;
        }

        void charge(Held what, long bytes) {
            heldBytes[what.ordinal()] += bytes;
            if (bytes > 0) {
                checkSoon();
            }
        }

        void set(Held what, long bytes) {
            charge(what, bytes - heldBytes[what.ordinal()]);
        }

        private long bytesBesideRows() {
            long sum = rows.get().placeBytes();
            for (long bytes : heldBytes) {
                sum += bytes;
            }
            return sum;
        }

        /** All that it refers to, whether others refer to it too or not. */
        long claimedBytes() {
            return bytesBesideRows() + rows.get().rowBytes();
        }

        void close() {
            accounts.remove(this);
        }
    }

    /**
     * A client's account.
     *
     * @param rows what its unsent messages are made of
     * @param cutOff takes the reason, as words for the log, and closes the account
     */
    Account open(Supplier<RowsHeld> rows, Consumer<String> cutOff) {
        Account account = new Account(rows, cutOff);
        accounts.add(account);
        return account;
    }

    private long claimedBytes() {
        return accounts.stream().mapToLong(Account::claimedBytes).sum();
    }

    /** What would be free if there were no clients. */
    long heldBytes() {
        Set<Object> places = Collections.newSetFromMap(new IdentityHashMap<>());
        Set<DataRow> rows = Collections.newSetFromMap(new IdentityHashMap<>());
        long sum = 0;
        for (Account account : accounts) {
            sum += account.bytesBesideRows();
            for (RowsHeld.Source source : account.rows.get().sources()) {
                if (places.add(source.place()) && !source.isPresent().getAsBoolean()) {
                    sum += source.placeBytes();
                    source.rows().get().filter(row -> !isCurrent.test(row)).forEach(rows::add);
                }
            }
        }
        return sum + rows.stream().mapToLong(DataRow::sizeBytes).sum();
    }

    private void checkSoon() {
        if (!checkIsDue) {
            checkIsDue = true;
            loop.execute(this::check);
        }
    }

    /**
     * Looks at every old row that is held, once for all who hold it, which takes its time: where all that is claimed is
     * little it is not done.
     */
    void checkPrecisely() {
        overcountedBytes = 0;
        check();
    }

    private void check() {
        checkIsDue = false;
        while (claimedBytes() - overcountedBytes > limitBytes && !accounts.isEmpty()) {
            long heldBytes = heldBytes();
            overcountedBytes = claimedBytes() - heldBytes;
            if (heldBytes > limitBytes) {
                cutOffGreediest(heldBytes);
            }
        }
    }

    private void cutOffGreediest(long heldBytes) {
        Account greediest = accounts.stream()
                .max(Comparator.comparingLong(Account::claimedBytes))
                .orElseThrow();
        greediest.cutOff.accept("cut off: makes the server hold %s, all clients together %s, and %s is the limit"
                .formatted(mebibytes(greediest.claimedBytes()), mebibytes(heldBytes), mebibytes(limitBytes)));
        greediest.close();
        overcountedBytes = 0;
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
    }
}
