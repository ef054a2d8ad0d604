package io.turnstile.offload;

import io.turnstile.offload.spi.Direction;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How the two directions of each connection stand with the {@link CarriedPaths}, by slot of the tracker's table, and
 * which paths a connection takes part in. Grows in chunks as slots are first met.
 *
 * <p>The word of a slot: the connection id's upper half (its generation) in the upper half; in the lower, a
 * {@link Standing} with a level of patience for each direction, and {@link #CLOSING}. It changes by compare-and-set
 * only, so that whoever is late for a generation finds it changed and does nothing.
 *
 * <p>Beside it, for each direction, what stood in the way last ({@link ReasonTable} index) and a bit for each lane that
 * has declined; and how often packets' ways had changed ({@link PathBook#waysChanged}) when it was claimed.
 *
 * <p>Threads: any. What forwarding threads call takes no lock and allocates nothing: {@link #isWanted},
 * {@link #reconsider}, {@link #move}, {@link #noteWays}, {@link #onChanged}, {@link #onRemoved}, {@link #pathsOf}.
 * Growing takes this object's monitor, changing a slot's paths that of its chunk, both for the time of an allocation.
 */
final class DirectionTable {
    /** How a direction stands. The ordinals are stored. */
    enum Standing {
        /** Nobody who carries holds the connection. */
        NONE,
        /** Somebody is to look at a walk. */
        WANTED,
        /** Somebody is looking at a walk. */
        CLAIMED,
        /** There is a path: on offer, carried, or on its way back. */
        ACTIVE,
        /** Wanted again after a pause, or once a provider says that it has room. */
        WAITING,
        /** Wanted again when the connection has changed; waits once packets' ways have. */
        REFUSED
    }

    private static final Standing[] STANDINGS = Standing.values();
    private static final int STANDING_MASK = 7;
    private static final int LEVEL_SHIFT = 3;
    private static final int LEVEL_MASK = 3 << LEVEL_SHIFT;
    /** Pauses grow by this from level to level. */
    private static final int PAUSE_FACTOR_BITS = 2;

    private static final int DIRECTION_BITS = 8;
    private static final int DIRECTION_MASK = (1 << DIRECTION_BITS) - 1;
    /** Software saw FIN or RST: nothing is wanted any more. */
    private static final long CLOSING = 1 << 2 * DIRECTION_BITS;

    private static final int REASON_SHIFT = 16;
    private static final int DECLINED_MASK = (1 << REASON_SHIFT) - 1;

    private static final int CHUNK_BITS = 12;
    private static final int CHUNK_SLOTS = 1 << CHUNK_BITS;
    private static final int CHUNK_MASK = CHUNK_SLOTS - 1;

    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle NOTE = MethodHandles.arrayElementVarHandle(int[].class);
    private static final VarHandle PATHS = MethodHandles.arrayElementVarHandle(CarriedPath[][].class);
    private static final CarriedPath[] NO_PATHS = {};

    private volatile @Nullable Chunk[] chunks = new @Nullable Chunk[0];

    /** {@link #CHUNK_SLOTS} neighbouring slots. */
    private static final class Chunk {
        private final long[] words = new long[CHUNK_SLOTS];
        private final int[] notes = new int[2 * CHUNK_SLOTS];
        private final int[] ways = new int[2 * CHUNK_SLOTS];
        private final @Nullable CarriedPath[] @Nullable [] paths = new @Nullable CarriedPath[CHUNK_SLOTS][];
    }

    private @Nullable Chunk chunk(long connectionId) {
        @Nullable Chunk[] present = chunks;
        int index = SlotTable.slotOf(connectionId) >>> CHUNK_BITS;
        return index < present.length ? present[index] : null;
    }

    private Chunk chunkFor(long connectionId) {
        Chunk chunk = chunk(connectionId);
        return chunk != null ? chunk : grow(SlotTable.slotOf(connectionId) >>> CHUNK_BITS);
    }

    private synchronized Chunk grow(int index) {
        @Nullable Chunk[] present = chunks;
        if (index < present.length) {
            Chunk other = present[index];
            if (other != null) {
                return other;
            }
        }
        @Nullable
        Chunk[] grown = index < present.length
                ? present.clone()
                : Arrays.copyOf(present, Math.max(index + 1, present.length * 2));
        Chunk made = new Chunk();
        grown[index] = made;
        chunks = grown;
        return made;
    }

    private static int at(long connectionId) {
        return SlotTable.slotOf(connectionId) & CHUNK_MASK;
    }

    private static int shift(boolean reply) {
        return reply ? DIRECTION_BITS : 0;
    }

    private static long word(Chunk chunk, long connectionId) {
        return (long) WORD.getVolatile(chunk.words, at(connectionId));
    }

    private static boolean change(Chunk chunk, long connectionId, long expected, long changed) {
        return WORD.compareAndSet(chunk.words, at(connectionId), expected, changed);
    }

    private static Standing standingIn(long word, boolean reply) {
        return STANDINGS[(int) (word >>> shift(reply)) & STANDING_MASK];
    }

    private static long with(long word, boolean reply, Standing standing) {
        return word & ~((long) STANDING_MASK << shift(reply)) | (long) standing.ordinal() << shift(reply);
    }

    /** As {@link #with}, but the pauses between attempts are as short as at first. */
    private static long afresh(long word, boolean reply, Standing standing) {
        return word & ~((long) DIRECTION_MASK << shift(reply)) | (long) standing.ordinal() << shift(reply);
    }

    // ---- how directions stand ----

    boolean isWanted(long connectionId, boolean reply) {
        Chunk chunk = chunk(connectionId);
        if (chunk == null) {
            return false;
        }
        long word = word(chunk, connectionId);
        return SlotTable.sameGeneration(word, connectionId)
                && (word & CLOSING) == 0
                && standingIn(word, reply) == Standing.WANTED;
    }

    Standing standing(long connectionId, boolean reply) {
        Chunk chunk = chunk(connectionId);
        long word = chunk == null ? 0 : word(chunk, connectionId);
        return SlotTable.sameGeneration(word, connectionId) ? standingIn(word, reply) : Standing.NONE;
    }

    boolean isClosing(long connectionId) {
        Chunk chunk = chunk(connectionId);
        long word = chunk == null ? 0 : word(chunk, connectionId);
        return SlotTable.sameGeneration(word, connectionId) && (word & CLOSING) != 0;
    }

    /** From one standing to another; false if it does not stand so, or to anything but an end while TCP is closing. */
    boolean move(long connectionId, boolean reply, Standing from, Standing to) {
        Chunk chunk = chunk(connectionId);
        if (chunk == null) {
            return false;
        }
        while (true) {
            long word = word(chunk, connectionId);
            if (!SlotTable.sameGeneration(word, connectionId)
                    || standingIn(word, reply) != from
                    || (word & CLOSING) != 0 && (to == Standing.CLAIMED || to == Standing.ACTIVE)) {
                return false;
            }
            if (change(chunk, connectionId, word, with(word, reply, to))) {
                return true;
            }
        }
    }

    /** The attempts so far have come to this: the next pause is longer, or as short as at first. */
    void settle(long connectionId, boolean reply, Standing from, Standing to, boolean isAfresh) {
        Chunk chunk = chunk(connectionId);
        if (chunk == null) {
            return;
        }
        while (true) {
            long word = word(chunk, connectionId);
            if (!SlotTable.sameGeneration(word, connectionId) || standingIn(word, reply) != from) {
                return;
            }
            long changed = isAfresh ? afresh(word, reply, to) : with(word, reply, to);
            if (change(chunk, connectionId, word, to == Standing.WAITING ? longer(changed, reply) : changed)) {
                return;
            }
        }
    }

    /** With the next longer pause, if there is one. */
    private static long longer(long word, boolean reply) {
        boolean isLongest = (word >>> shift(reply) & LEVEL_MASK) == LEVEL_MASK;
        return isLongest ? word : word + (1L << LEVEL_SHIFT + shift(reply));
    }

    /** How often ways have changed before the walk of this direction is looked at. */
    void noteWays(long connectionId, boolean reply, int ways) {
        Chunk chunk = chunk(connectionId);
        if (chunk != null) {
            NOTE.setVolatile(chunk.ways, noteAt(connectionId, reply), ways);
        }
    }

    /**
     * What was refused before ways changed waits from now on, as who declined it may take it now. It is not wanted at
     * once: where rules change all the time each direction would be looked at with each packet.
     *
     * @param ways how often they have changed
     * @return whether it did
     */
    boolean reconsider(long connectionId, boolean reply, int ways) {
        Chunk chunk = chunk(connectionId);
        while (chunk != null) {
            long word = word(chunk, connectionId);
            if (!SlotTable.sameGeneration(word, connectionId)
                    || standingIn(word, reply) != Standing.REFUSED
                    || (word & CLOSING) != 0
                    || (int) NOTE.getVolatile(chunk.ways, noteAt(connectionId, reply)) == ways) {
                return false;
            }
            if (change(chunk, connectionId, word, longer(with(word, reply, Standing.WAITING), reply))) {
                forgetDeclines(chunk, connectionId, reply);
                return true;
            }
        }
        return false;
    }

    /**
     * A lane that carries holds the connection for both directions: what nobody has refused is wanted.
     *
     * @param lane bit of the lane; what all others have declined is wanted, too
     */
    void want(long connectionId, int lane, boolean isClosing) {
        Chunk chunk = chunkFor(connectionId);
        while (true) {
            long word = word(chunk, connectionId);
            boolean isNew = !SlotTable.sameGeneration(word, connectionId);
            if (isNew && word != 0 && !SlotTable.isNewer(connectionId, word)) {
                return;
            }
            long changed = isNew ? SlotTable.word(connectionId, 0) : word;
            if (isNew) { // before anybody can ask: what is noted is a former connection's
                setNote(chunk, connectionId, false, 0);
                setNote(chunk, connectionId, true, 0);
            }
            if (isClosing) {
                changed |= CLOSING;
            }
            for (int d = 0; d < 2; d++) {
                boolean reply = d == 1;
                Standing standing = standingIn(changed, reply);
                int declined = note(chunk, connectionId, reply) & DECLINED_MASK;
                if (standing == Standing.NONE
                        || standing == Standing.REFUSED && declined != 0 && (declined & lane) == 0) {
                    changed = with(changed, reply, Standing.WANTED);
                }
            }
            if (change(chunk, connectionId, word, changed)) {
                return;
            }
        }
    }

    /** Nobody who carries holds the connection any more. */
    void unwant(long connectionId) {
        for (int d = 0; d < 2; d++) {
            boolean reply = d == 1;
            settle(connectionId, reply, Standing.WANTED, Standing.NONE, true);
            settle(connectionId, reply, Standing.WAITING, Standing.NONE, true);
            settle(connectionId, reply, Standing.REFUSED, Standing.NONE, true);
        }
    }

    /** Something about the connection has changed: what was refused may be carried now, unless TCP is closing. */
    void onChanged(long connectionId, boolean isClosing) {
        Chunk chunk = chunk(connectionId);
        if (chunk == null) {
            return;
        }
        while (true) {
            long word = word(chunk, connectionId);
            if (!SlotTable.sameGeneration(word, connectionId)) {
                return;
            }
            long changed = again(again(word, false), true) | (isClosing ? CLOSING : 0);
            if (changed == word) {
                return;
            }
            if (change(chunk, connectionId, word, changed)) {
                forgetDeclines(chunk, connectionId, false);
                forgetDeclines(chunk, connectionId, true);
                return;
            }
        }
    }

    private static long again(long word, boolean reply) {
        Standing standing = standingIn(word, reply);
        return standing == Standing.REFUSED || standing == Standing.WAITING
                ? afresh(word, reply, Standing.WANTED)
                : word;
    }

    /** The connection has left the tracker's table. */
    void onRemoved(long connectionId) {
        Chunk chunk = chunk(connectionId);
        if (chunk == null) {
            return;
        }
        while (true) {
            long word = word(chunk, connectionId);
            if (!SlotTable.sameGeneration(word, connectionId)
                    || change(chunk, connectionId, word, SlotTable.word(connectionId, 0))) {
                return;
            }
        }
    }

    /**
     * Directions that wait are wanted again.
     *
     * @param round how many there were; those that have waited in vain more often are left out of most
     * @param all none is left out
     * @return whether some still wait
     */
    boolean wakeWaiting(long round, boolean all) {
        boolean some = false;
        for (@Nullable Chunk chunk : chunks) {
            for (int i = 0; chunk != null && i < CHUNK_SLOTS; i++) {
                some |= wakeWaiting(chunk, i, round, all);
            }
        }
        return some;
    }

    private static boolean wakeWaiting(Chunk chunk, int i, long round, boolean all) {
        while (true) {
            long word = (long) WORD.getVolatile(chunk.words, i);
            long changed = word;
            boolean waits = false;
            for (int d = 0; d < 2; d++) {
                boolean reply = d == 1;
                if (standingIn(word, reply) == Standing.WAITING) {
                    int level = (int) (word >>> shift(reply) & LEVEL_MASK) >>> LEVEL_SHIFT;
                    long everySo = 1L << PAUSE_FACTOR_BITS * Math.max(0, level - 1);
                    if (all || round % everySo == 0) {
                        changed = with(changed, reply, Standing.WANTED);
                    } else {
                        waits = true;
                    }
                }
            }
            if (changed == word || WORD.compareAndSet(chunk.words, i, word, changed)) {
                return waits;
            }
        }
    }

    // ---- what stood in the way ----

    private static int noteAt(long connectionId, boolean reply) {
        return 2 * at(connectionId) + (reply ? 1 : 0);
    }

    private static int note(Chunk chunk, long connectionId, boolean reply) {
        return (int) NOTE.getVolatile(chunk.notes, noteAt(connectionId, reply));
    }

    private static void setNote(Chunk chunk, long connectionId, boolean reply, int note) {
        NOTE.setVolatile(chunk.notes, noteAt(connectionId, reply), note);
    }

    private static void forgetDeclines(Chunk chunk, long connectionId, boolean reply) {
        NOTE.getAndBitwiseAnd(chunk.notes, noteAt(connectionId, reply), ~DECLINED_MASK);
    }

    /** A lane has declined the direction as it is now. */
    void noteDecline(long connectionId, boolean reply, int lane) {
        Chunk chunk = chunkFor(connectionId);
        NOTE.getAndBitwiseOr(chunk.notes, noteAt(connectionId, reply), lane);
    }

    /** @param lanes bits of the lanes that are meant */
    boolean hasDeclined(long connectionId, boolean reply, int lanes) {
        Chunk chunk = chunk(connectionId);
        return chunk != null && (note(chunk, connectionId, reply) & DECLINED_MASK & lanes) != 0;
    }

    /** The walk is another one: who has declined may be asked again. */
    void forgetDeclines(long connectionId, boolean reply) {
        Chunk chunk = chunk(connectionId);
        if (chunk != null) {
            forgetDeclines(chunk, connectionId, reply);
        }
    }

    void setReason(long connectionId, boolean reply, int reason) {
        Chunk chunk = chunkFor(connectionId);
        int note;
        do {
            note = note(chunk, connectionId, reply);
        } while (!NOTE.compareAndSet(
                chunk.notes, noteAt(connectionId, reply), note, note & DECLINED_MASK | reason << REASON_SHIFT));
    }

    int reason(long connectionId, boolean reply) {
        Chunk chunk = chunk(connectionId);
        return chunk == null ? 0 : note(chunk, connectionId, reply) >>> REASON_SHIFT;
    }

    // ---- paths by connection ----

    /** Paths that the connection, or a former one of its slot, takes part in. */
    CarriedPath[] pathsOf(long connectionId) {
        Chunk chunk = chunk(connectionId);
        CarriedPath[] paths = chunk == null ? null : (CarriedPath[]) PATHS.getVolatile(chunk.paths, at(connectionId));
        return paths == null ? NO_PATHS : paths;
    }

    /** Visits every path once. Paths that come or go meanwhile may be visited or not. */
    void forEachPath(Consumer<CarriedPath> visitor) {
        @Nullable Chunk[] present = chunks;
        for (int index = 0; index < present.length; index++) {
            Chunk chunk = present[index];
            for (int i = 0; chunk != null && i < CHUNK_SLOTS; i++) {
                int slot = index << CHUNK_BITS | i;
                for (CarriedPath path : pathsOf(slot)) {
                    if (SlotTable.slotOf(path.connectionId()) == slot) { // not where another's walk has met it
                        visitor.accept(path);
                    }
                }
            }
        }
    }

    void addPath(long connectionId, CarriedPath path) {
        Chunk chunk = chunkFor(connectionId);
        synchronized (chunk) {
            CarriedPath[] present = pathsOf(connectionId);
            CarriedPath[] more = Arrays.copyOf(present, present.length + 1);
            more[present.length] = path;
            PATHS.setVolatile(chunk.paths, at(connectionId), more);
        }
    }

    void removePath(long connectionId, CarriedPath path) {
        Chunk chunk = chunkFor(connectionId);
        synchronized (chunk) {
            CarriedPath[] present = pathsOf(connectionId);
            int index = Arrays.asList(present).indexOf(path); // by identity: it has no other equality
            if (index >= 0) {
                CarriedPath[] left = Arrays.copyOf(present, present.length - 1);
                System.arraycopy(present, index + 1, left, index, left.length - index);
                PATHS.setVolatile(chunk.paths, at(connectionId), left.length == 0 ? null : left);
            }
        }
    }

    static boolean isReply(Direction direction) {
        return direction == Direction.REPLY;
    }
}
