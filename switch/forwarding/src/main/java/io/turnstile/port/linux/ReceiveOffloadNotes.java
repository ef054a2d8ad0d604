package io.turnstile.port.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notes of which devices had their receive offload turned on by this process, so that a process that was killed does
 * not leave it on for ever: a file a device in the run directory, with the device's index. The next process turns it
 * off again before it opens any device.
 *
 * <p>Threads: any.
 */
final class ReceiveOffloadNotes {
    private static final Logger LOG = LoggerFactory.getLogger(ReceiveOffloadNotes.class);
    private static final String PREFIX = ".turnstile-gro-";
    private static final int MAX_INDEX_BYTES = 11;

    private final Path folder;

    /** @param folder must be there by the time that a note is made */
    ReceiveOffloadNotes(Path folder) {
        this.folder = folder;
    }

    /** Turns off what an earlier process has turned on; devices that are not there any more are forgotten. */
    void settle() {
        try (DirectoryStream<Path> notes = Files.newDirectoryStream(folder, PREFIX + "*")) {
            for (Path note : notes) {
                try {
                    settle(note);
                } catch (IOException e) { // the others' notes are good all the same
                    LOG.warn("{}: cannot be read or removed: {}", note, e.toString());
                }
            }
        } catch (IOException e) {
            LOG.warn("notes of devices' receive offload cannot be read: {}", e.toString());
        }
    }

    private static void settle(Path note) throws IOException {
        int ifIndex = index(note);
        String device = ifIndex > 0 ? Links.presentName(ifIndex).orElse("") : "";
        if (!device.isEmpty()) {
            if (!Links.setReceiveOffload(device, false)) {
                LOG.warn("{}: receive offload, which an earlier process has left on, cannot be turned off", device);
                return; // for one that has the right to
            }
            LOG.info("{}: receive offload is off again, which an earlier process has left on", device);
        }
        Files.deleteIfExists(note);
    }

    private static int index(Path note) throws IOException {
        try (var in = Files.newInputStream(note, LinkOption.NOFOLLOW_LINKS)) {
            return Integer.parseInt(new String(in.readNBytes(MAX_INDEX_BYTES), StandardCharsets.US_ASCII).strip());
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /** To be called before the device is changed: between the two the process may be killed. */
    void add(String device, int ifIndex) {
        Path note = folder.resolve(PREFIX + device);
        try {
            Files.deleteIfExists(note);
            Files.write(
                    note,
                    (ifIndex + "\n").getBytes(StandardCharsets.US_ASCII),
                    StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.WRITE);
        } catch (IOException e) {
            LOG.warn("{}: it cannot be noted that its receive offload is turned on: {}", device, e.toString());
        }
    }

    void remove(String device) {
        try {
            Files.deleteIfExists(folder.resolve(PREFIX + device));
        } catch (IOException e) {
            LOG.warn("{}: the note of its receive offload cannot be removed: {}", device, e.toString());
        }
    }
}
