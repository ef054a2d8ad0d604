package io.turnstile.conntrack;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Memory of the table: reserved in one piece, given by the kernel page by page as it is first written, read and written
 * by address. The one segment over all addresses is a constant, so an access is one machine instruction and a compare;
 * who calls this answers for the address.
 *
 * <p>Threads: any. {@code …Acquire}, {@code …Volatile}, {@code …Release} and {@link #compareAndSet} order as their
 * names say; the rest is plain.
 */
final class OffHeap {
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    private static final VarHandle LONGS = ValueLayout.JAVA_LONG.varHandle();

    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x02 | 0x20 | 0x4000;
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_HUGEPAGE = 14;
    private static final long HUGE_PAGE_BYTES = 2L << 20;
    /** The kernel holds a lock over a process's memory meanwhile. */
    private static final long GIVEN_AT_ONCE_BYTES = 4 * HUGE_PAGE_BYTES;

    private OffHeap() {}

    /**
     * A stretch of memory, all zero at first; freed once this object is garbage.
     *
     * @param huge pages of 2 MiB were asked for
     */
    record Region(MemorySegment memory, long address, long sizeBytes, boolean huge) {
        private static Region of(MemorySegment memory, boolean huge) {
            return new Region(memory, memory.address(), memory.byteSize(), huge);
        }

        /**
         * How many pieces take long to be written to for the first time, since the kernel zeroes 2 MiB then: small
         * pages do not.
         */
        int pieces() {
            return huge ? (int) (sizeBytes / HUGE_PAGE_BYTES) : 0;
        }

        /** How many of them the first bytes take. */
        int piecesUpTo(long bytes) {
            return (int) Math.min(pieces(), (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES);
        }

        /** Has the kernel give a piece, so that nobody waits for it later; others may use it already. */
        void touch(int piece) {
            getAndAdd(address + piece * HUGE_PAGE_BYTES, 0);
        }

        /** Gives all pages back to the kernel, where it takes them: the memory is zero afterwards, and can be used. */
        void giveBack() {
            if (Linux.AVAILABLE) {
                for (long done = 0; done < sizeBytes; done += GIVEN_AT_ONCE_BYTES) {
                    Linux.giveBack(address + done, Math.min(GIVEN_AT_ONCE_BYTES, sizeBytes - done));
                }
            }
        }
    }

    /** Whether {@link #reserve} costs nothing until the memory is written. */
    static boolean reservesLazily() {
        return Linux.AVAILABLE;
    }

    /**
     * Memory on a cache line's boundary.
     *
     * @param huge ask for pages of 2 MiB: fewer misses of the address translation, for what will be large and visited
     *     at random
     * @throws OutOfMemoryError the system gives no such piece
     */
    static Region reserve(long sizeBytes, boolean huge) {
        if (!Linux.AVAILABLE) {
            return Region.of(Arena.ofAuto().allocate(sizeBytes, 64), false);
        }
        long wholeBytes = huge ? sizeBytes + HUGE_PAGE_BYTES - 1 & -HUGE_PAGE_BYTES : sizeBytes;
        return Region.of(Linux.map(wholeBytes, huge), huge);
    }

    static long getLong(long address) {
        return ALL.get(LONG, address);
    }

    /** Of two ints that were read as one long, the one that stands at its address. */
    static int first(long pair) {
        return (int) (LITTLE_ENDIAN ? pair : pair >>> Integer.SIZE);
    }

    /** The one that stands behind it. */
    static int second(long pair) {
        return (int) (LITTLE_ENDIAN ? pair >>> Integer.SIZE : pair);
    }

    static void putLong(long address, long value) {
        ALL.set(LONG, address, value);
    }

    static int getInt(long address) {
        return ALL.get(INT, address);
    }

    static void putInt(long address, int value) {
        ALL.set(INT, address, value);
    }

    static int getUnsignedShort(long address) {
        return ALL.get(SHORT, address) & 0xffff;
    }

    static void putShort(long address, int value) {
        ALL.set(SHORT, address, (short) value);
    }

    static int getUnsignedByte(long address) {
        return ALL.get(BYTE, address) & 0xff;
    }

    static void putByte(long address, int value) {
        ALL.set(BYTE, address, (byte) value);
    }

    static long getAcquire(long address) {
        return (long) LONGS.getAcquire(ALL, address);
    }

    static long getVolatile(long address) {
        return (long) LONGS.getVolatile(ALL, address);
    }

    static void putRelease(long address, long value) {
        LONGS.setRelease(ALL, address, value);
    }

    static boolean compareAndSet(long address, long expected, long value) {
        return LONGS.compareAndSet(ALL, address, expected, value);
    }

    static long getAndSet(long address, long value) {
        return (long) LONGS.getAndSet(ALL, address, value);
    }

    static long getAndAdd(long address, long delta) {
        return (long) LONGS.getAndAdd(ALL, address, delta);
    }

    /** mmap(2): elsewhere than on Linux memory is taken at once and so only as much as was asked for. */
    private static final class Linux {
        static final boolean AVAILABLE = System.getProperty("os.name").equals("Linux");
        private static final MethodHandle MMAP = call(
                "mmap", FunctionDescriptor.of(ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
        private static final MethodHandle MUNMAP = call("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
        private static final MethodHandle MADVISE =
                call("madvise", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));

        static MemorySegment map(long sizeBytes, boolean huge) {
            long slack = huge ? HUGE_PAGE_BYTES : 0; // the kernel aligns to small pages only
            try {
                MemorySegment piece = (MemorySegment) MMAP.invokeExact(
                        0L, sizeBytes + slack, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0L);
                if (piece.address() == -1) {
                    throw new OutOfMemoryError("mmap of " + sizeBytes + " bytes");
                }
                MemorySegment owned = piece.reinterpret(sizeBytes + slack, Arena.ofAuto(), Linux::unmap);
                if (!huge) {
                    return owned;
                }
                long aligned = piece.address() + HUGE_PAGE_BYTES - 1 & -HUGE_PAGE_BYTES;
                // Refused where the kernel has no huge pages: slower, nothing else.
                int _ = (int) MADVISE.invokeExact(aligned, sizeBytes, MADV_HUGEPAGE);
                return owned.asSlice(aligned - piece.address(), sizeBytes);
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }

        static void giveBack(long address, long sizeBytes) {
            try {
                int _ = (int) MADVISE.invokeExact(address, sizeBytes, MADV_DONTNEED);
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }

        private static void unmap(MemorySegment memory) {
            try {
                int _ = (int) MUNMAP.invokeExact(memory, memory.byteSize());
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }

        private static MethodHandle call(String name, FunctionDescriptor shape) {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), shape);
        }
    }
}
