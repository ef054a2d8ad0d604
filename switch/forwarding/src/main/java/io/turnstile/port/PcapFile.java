package io.turnstile.port;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The writer appends Ethernet frames to a capture file in the classic libpcap format (pcap-savefile(5)), little-endian,
 * microseconds. Each frame is in the file when {@link #write} returns: tests read it while the switch runs.
 *
 * <p>Threads: any.
 */
public final class PcapFile implements AutoCloseable {
    private static final int MAGIC = 0xa1b2c3d4;
    private static final short VERSION_MAJOR = 2;
    private static final short VERSION_MINOR = 4;
    private static final int LINKTYPE_ETHERNET = 1;
    /** What the capture files of Open vSwitch say; longer frames are stored whole nevertheless. */
    private static final int SNAP_LENGTH = 1518;

    private static final int FILE_HEADER_BYTES = 24;
    private static final int RECORD_HEADER_BYTES = 16;
    private static final long MICROS_PER_SECOND = 1_000_000;

    private final Path path;
    private final OutputStream out;

    /** Opens for appending; a new or empty file gets the file header first. */
    public PcapFile(Path path) {
        this.path = path;
        try {
            out = new BufferedOutputStream(
                    Files.newOutputStream(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
            if (Files.size(path) == 0) {
                out.write(fileHeader());
                out.flush();
            }
        } catch (IOException e) {
            throw new PortException("failed to open \"" + path + "\" for appending: " + e.getMessage(), e);
        }
    }

    private static byte[] fileHeader() {
        return ByteBuffer.allocate(FILE_HEADER_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(MAGIC)
                .putShort(VERSION_MAJOR)
                .putShort(VERSION_MINOR)
                .putInt(0)
                .putInt(0)
                .putInt(SNAP_LENGTH)
                .putInt(LINKTYPE_ETHERNET)
                .array();
    }

    /**
     * Adds a frame at the file's end.
     *
     * @param wallTimeUs microseconds since the epoch
     */
    public synchronized void write(byte[] frame, long wallTimeUs) {
        byte[] header = ByteBuffer.allocate(RECORD_HEADER_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt((int) (wallTimeUs / MICROS_PER_SECOND))
                .putInt((int) (wallTimeUs % MICROS_PER_SECOND))
                .putInt(frame.length)
                .putInt(frame.length)
                .array();
        try {
            out.write(header);
            out.write(frame);
            out.flush();
        } catch (IOException e) {
            throw new PortException("failed to write \"" + path + "\": " + e.getMessage(), e);
        }
    }

    @Override
    public synchronized void close() {
        try {
            out.close();
        } catch (IOException e) {
            throw new PortException("failed to close \"" + path + "\": " + e.getMessage(), e);
        }
    }
}
