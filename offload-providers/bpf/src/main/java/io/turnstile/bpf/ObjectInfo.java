package io.turnstile.bpf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Asks the kernel what it knows of one of its objects (BPF_OBJ_GET_INFO_BY_FD). */
final class ObjectInfo {
    // union bpf_attr, struct info
    private static final int ATTRIBUTE_BYTES = 16;
    private static final int BPF_FD_OFFSET = 0;
    private static final int INFO_LEN_OFFSET = 4;
    private static final int INFO_OFFSET = 8;

    private ObjectInfo() {}

    /**
     * The first {@code length} words of 4 bytes of {@code struct bpf_map_info}, {@code bpf_prog_info} or
     * {@code bpf_link_info}.
     */
    static int[] words(int fd, String whom, int length) throws BpfException {
        long sizeBytes = (long) length * Integer.BYTES;
        try (Attribute attribute = new Attribute(ATTRIBUTE_BYTES)) {
            attribute.u32(BPF_FD_OFFSET, fd).u32(INFO_LEN_OFFSET, (int) sizeBytes);
            MemorySegment info = attribute.buffer(INFO_OFFSET, sizeBytes);
            attribute.require(Command.OBJ_GET_INFO_BY_FD, whom);
            return info.toArray(ValueLayout.JAVA_INT);
        }
    }
}
