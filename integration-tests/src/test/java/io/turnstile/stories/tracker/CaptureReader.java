package io.turnstile.stories.tracker;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** Reads the frames of a capture file (pcap-savefile(5), little-endian) as a switch appends them. */
final class CaptureReader implements AutoCloseable {
    private static final int HEAD_BYTES = 24;
    private static final int RECORD_HEAD_BYTES = 16;
    private static final int LENGTH_OFFSET = 8;

    private final FileChannel file;
    private long position = HEAD_BYTES;

    CaptureReader(Path path) throws IOException {
        file = FileChannel.open(path, StandardOpenOption.READ);
    }

    /** The frames that came since the last call and are whole. */
    List<byte[]> read() throws IOException {
        long size = file.size();
        if (size <= position) {
            return List.of();
        }
        ByteBuffer bytes = ByteBuffer.allocate((int) (size - position)).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining() && file.read(bytes, position + bytes.position()) > 0) {
            // Until all of it is there.
        }
        bytes.flip();
        List<byte[]> frames = new ArrayList<>();
        while (bytes.remaining() >= RECORD_HEAD_BYTES) {
            int length = bytes.getInt(bytes.position() + LENGTH_OFFSET);
            if (bytes.remaining() < RECORD_HEAD_BYTES + length) {
                break;
            }
            byte[] frame = new byte[length];
            bytes.get(bytes.position() + RECORD_HEAD_BYTES, frame);
            bytes.position(bytes.position() + RECORD_HEAD_BYTES + length);
            frames.add(frame);
        }
        position += bytes.position();
        return frames;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
