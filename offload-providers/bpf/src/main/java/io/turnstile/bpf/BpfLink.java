package io.turnstile.bpf;

/**
 * A program attached to a device, until this is closed, the device goes, or the process ends however it does: it is
 * registered nowhere but in this descriptor. Devices are those of the network namespace of the calling thread.
 *
 * <p>Threads: any. Attaching and closing take the kernel's lock of network devices: milliseconds, now and then more.
 * Once {@link #close} is back, no packet that comes in meets the program; with tcx, no CPU is inside it either.
 */
public final class BpfLink implements AutoCloseable {
    // union bpf_attr, struct link_create
    private static final int CREATE_BYTES = 32;
    private static final int PROG_FD_OFFSET = 0;
    private static final int TARGET_IFINDEX_OFFSET = 4;
    private static final int ATTACH_TYPE_OFFSET = 8;
    private static final int FLAGS_OFFSET = 12;
    // struct bpf_link_info: type, id, prog_id, then, for tcx and xdp, ifindex behind a gap
    private static final int INFO_WORDS = 6;
    private static final int INFO_IFINDEX = 4;
    // enum bpf_attach_type
    private static final int BPF_XDP = 37;
    private static final int BPF_TCX_INGRESS = 46;

    private final String what;
    private final Descriptor descriptor;

    private BpfLink(String what, Descriptor descriptor) {
        this.what = what;
        this.descriptor = descriptor;
    }

    /**
     * Attaches a program to what a device receives, behind those that are attached already (Linux 6.6).
     *
     * @param program of type {@link ProgramType#TC}
     * @throws BpfException among others {@link Errno#ENODEV} if there is no such device
     */
    public static BpfLink tcxIngress(LoadedProgram program, int ifindex) throws BpfException {
        return create(program, ifindex, BPF_TCX_INGRESS, 0, "tcx ingress of device " + ifindex);
    }

    /**
     * Attaches a program as a device's one XDP program.
     *
     * @param program of type {@link ProgramType#XDP}
     * @throws BpfException among others {@link Errno#EBUSY} if there is one, {@link Errno#EOPNOTSUPP} if the driver
     *     cannot
     */
    public static BpfLink xdp(LoadedProgram program, int ifindex, XdpMode mode) throws BpfException {
        return create(program, ifindex, BPF_XDP, mode.flags(), "XDP of device " + ifindex);
    }

    private static BpfLink create(LoadedProgram program, int ifindex, int attachType, int flags, String where)
            throws BpfException {
        String what = program.name() + " to " + where;
        try (Attribute attribute = new Attribute(CREATE_BYTES)) {
            int fd = attribute
                    .u32(PROG_FD_OFFSET, program.fd())
                    .u32(TARGET_IFINDEX_OFFSET, ifindex)
                    .u32(ATTACH_TYPE_OFFSET, attachType)
                    .u32(FLAGS_OFFSET, flags)
                    .require(Command.LINK_CREATE, what);
            return new BpfLink(what, new Descriptor("link of " + what, fd));
        }
    }

    /** The device that it is attached to; 0 if that is gone. */
    public int deviceIndex() throws BpfException {
        return ObjectInfo.words(descriptor.fd(), "link of " + what, INFO_WORDS)[INFO_IFINDEX];
    }

    @Override
    public void close() {
        descriptor.close();
    }

    @Override
    public String toString() {
        return "link of " + what;
    }
}
