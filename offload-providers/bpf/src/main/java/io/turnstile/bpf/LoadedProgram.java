package io.turnstile.bpf;

import io.turnstile.bpf.asm.Program;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * A program that the kernel's verifier has accepted. It goes when it is closed and attached nowhere any more; what it
 * uses of maps stays as long.
 *
 * <p>Threads: any. Close it when nobody is inside a call any more.
 */
public final class LoadedProgram implements AutoCloseable {
    // union bpf_attr for BPF_PROG_LOAD
    private static final int LOAD_BYTES = 72;
    private static final int PROG_TYPE_OFFSET = 0;
    private static final int INSN_CNT_OFFSET = 4;
    private static final int INSNS_OFFSET = 8;
    private static final int LICENSE_OFFSET = 16;
    private static final int LOG_LEVEL_OFFSET = 24;
    private static final int LOG_SIZE_OFFSET = 28;
    private static final int LOG_BUF_OFFSET = 32;
    private static final int PROG_FLAGS_OFFSET = 44;
    private static final int PROG_NAME_OFFSET = 48;
    // for BPF_PROG_TEST_RUN
    private static final int TEST_BYTES = 80;
    private static final int TEST_PROG_FD_OFFSET = 0;
    private static final int RETVAL_OFFSET = 4;
    private static final int DATA_SIZE_IN_OFFSET = 8;
    private static final int DATA_SIZE_OUT_OFFSET = 12;
    private static final int DATA_IN_OFFSET = 16;
    private static final int DATA_OUT_OFFSET = 24;
    private static final int REPEAT_OFFSET = 32;
    private static final int DURATION_OFFSET = 36;
    private static final int CTX_SIZE_IN_OFFSET = 40;
    private static final int CTX_SIZE_OUT_OFFSET = 44;
    private static final int CTX_IN_OFFSET = 48;
    private static final int CTX_OUT_OFFSET = 56;
    private static final int INFO_JITED_LENGTH = 4;

    /** Enough for a refusal after few instructions; it grows. */
    private static final int LOG_FIRST_BYTES = 1 << 16;

    private static final int LOG_MAX_BYTES = 1 << 28;
    private static final int LOG_GROWTH = 8;
    private static final int INTERRUPTED_ATTEMPTS = 5;

    /** By how much a program may lengthen a frame in a test run. */
    private static final int TEST_HEADROOM_BYTES = 256;

    private final String name;
    private final Descriptor descriptor;

    private LoadedProgram(String name, Descriptor descriptor) {
        this.name = name;
        this.descriptor = descriptor;
    }

    /**
     * Has the kernel verify and take a program.
     *
     * @param name 1 to 15 letters, digits, {@code _} and {@code .}; for people
     * @param license of the program, as the kernel knows them; some helpers are there for {@code GPL} and {@code Dual
     *     …/GPL} alone
     * @throws BpfException with the verifier's log if it refused
     */
    public static LoadedProgram load(
            ProgramType type, String name, String license, Program program, ProgramFlag... flags) throws BpfException {
        ObjectName.require(name);
        int flagBits = 0;
        for (ProgramFlag flag : flags) {
            flagBits |= flag.mask();
        }
        Attempt attempt = attempt(type, name, license, program, flagBits, 0);
        // A log makes the verifier several times slower, so it is asked for once something is wrong.
        for (int logBytes = LOG_FIRST_BYTES; attempt.wantsLog() && logBytes <= LOG_MAX_BYTES; logBytes *= LOG_GROWTH) {
            attempt = attempt(type, name, license, program, flagBits, logBytes);
        }
        if (attempt.result < 0) {
            String asked = Command.PROG_LOAD.asking(name);
            throw attempt.log.isEmpty()
                    ? BpfException.of(asked, attempt.result)
                    : BpfException.refused(asked, attempt.result, new VerifierLog(program, attempt.log));
        }
        return new LoadedProgram(name, new Descriptor(name, attempt.result));
    }

    /** A descriptor or a negated errno, and the log if there was room for one. */
    private record Attempt(int result, int logBytes, String log) {
        /** Whether it failed, and more room for the log would say more. */
        boolean wantsLog() {
            return result < 0 && logBytes == 0 || result == -Errno.ENOSPC.number();
        }
    }

    /** A signal to the thread ends the verifier early, and then it is worth another try. */
    private static Attempt attempt(
            ProgramType type, String name, String license, Program program, int flagBits, int logBytes) {
        Attempt attempt = attemptOnce(type, name, license, program, flagBits, logBytes);
        for (int i = 1; i < INTERRUPTED_ATTEMPTS && attempt.result == -Errno.EAGAIN.number(); i++) {
            attempt = attemptOnce(type, name, license, program, flagBits, logBytes);
        }
        return attempt;
    }

    private static Attempt attemptOnce(
            ProgramType type, String name, String license, Program program, int flagBits, int logBytes) {
        try (Attribute attribute = new Attribute(LOAD_BYTES)) {
            attribute
                    .u32(PROG_TYPE_OFFSET, type.number())
                    .u32(INSN_CNT_OFFSET, program.slots())
                    .copy(INSNS_OFFSET, program.bytes())
                    .copy(LICENSE_OFFSET, (license + "\0").getBytes(StandardCharsets.US_ASCII))
                    .u32(PROG_FLAGS_OFFSET, flagBits)
                    .name(PROG_NAME_OFFSET, name);
            if (logBytes == 0) {
                return new Attempt(attribute.call(Command.PROG_LOAD), 0, "");
            }
            MemorySegment log = attribute
                    .u32(LOG_LEVEL_OFFSET, 1)
                    .u32(LOG_SIZE_OFFSET, logBytes)
                    .buffer(LOG_BUF_OFFSET, logBytes);
            return new Attempt(attribute.call(Command.PROG_LOAD), logBytes, log.getString(0));
        }
    }

    public String name() {
        return name;
    }

    /** The descriptor, for whoever attaches the program to a socket that is not known here. */
    public int fd() {
        return descriptor.fd();
    }

    /** Runs the program once over a frame that comes from nowhere; what it redirects goes nowhere. */
    public TestRun testRun(byte[] frame) throws BpfException {
        return testRun(frame, new byte[0], 1);
    }

    /**
     * Runs the program over a frame that comes from nowhere; what it redirects goes nowhere.
     *
     * @param frame from the Ethernet header on
     * @param context what the context shall say, as {@code struct __sk_buff} or {@code xdp_md}; what is 0 in it is the
     *     kernel's to fill in. Empty if it is all left to the kernel
     * @param repeat how many times; changes of one run are there in the next
     */
    public TestRun testRun(byte[] frame, byte[] context, int repeat) throws BpfException {
        try (Attribute attribute = new Attribute(TEST_BYTES)) {
            int roomBytes = frame.length + TEST_HEADROOM_BYTES;
            MemorySegment data = attribute
                    .u32(TEST_PROG_FD_OFFSET, fd())
                    .u32(DATA_SIZE_IN_OFFSET, frame.length)
                    .u32(DATA_SIZE_OUT_OFFSET, roomBytes)
                    .copy(DATA_IN_OFFSET, frame)
                    .u32(REPEAT_OFFSET, repeat)
                    .buffer(DATA_OUT_OFFSET, roomBytes);
            MemorySegment contextOut = MemorySegment.NULL;
            if (context.length > 0) {
                contextOut = attribute
                        .u32(CTX_SIZE_IN_OFFSET, context.length)
                        .u32(CTX_SIZE_OUT_OFFSET, context.length)
                        .copy(CTX_IN_OFFSET, context)
                        .buffer(CTX_OUT_OFFSET, context.length);
            }
            attribute.require(Command.PROG_TEST_RUN, name);
            return new TestRun(
                    attribute.u32(RETVAL_OFFSET),
                    data.asSlice(0, attribute.u32(DATA_SIZE_OUT_OFFSET)).toArray(ValueLayout.JAVA_BYTE),
                    contextOut.asSlice(0, attribute.u32(CTX_SIZE_OUT_OFFSET)).toArray(ValueLayout.JAVA_BYTE),
                    attribute.u32(DURATION_OFFSET));
        }
    }

    public ProgramInfo info() throws BpfException {
        int[] words = ObjectInfo.words(fd(), "program " + name, INFO_JITED_LENGTH + 2);
        return new ProgramInfo(words[0], words[1], words[INFO_JITED_LENGTH], words[INFO_JITED_LENGTH + 1]);
    }

    @Override
    public void close() {
        descriptor.close();
    }

    @Override
    public String toString() {
        return "program " + name;
    }
}
