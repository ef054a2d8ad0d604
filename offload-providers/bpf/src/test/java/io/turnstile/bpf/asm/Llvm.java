package io.turnstile.bpf.asm;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** LLVM 19's assembler and disassembler for BPF (Debian package llvm-19), the tools that this one is held to. */
final class Llvm {
    /** What stands in an object file. */
    record Line(byte[] bytes, String text) {}

    private Llvm() {}

    /** Assembles a text, line by line an instruction, and disassembles what comes of it. */
    static List<Line> assemble(List<String> text, ByteOrder order) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("turnstile-llvm");
        Path source = folder.resolve("in.s");
        Path object = folder.resolve("out.o");
        try {
            Files.write(source, text);
            String machine = order == ByteOrder.LITTLE_ENDIAN ? "bpfel" : "bpfeb";
            run(
                    "llvm-mc-19",
                    "-triple=" + machine,
                    "-mcpu=v4",
                    "-filetype=obj",
                    "-o",
                    object.toString(),
                    source.toString());
            return parse(run("llvm-objdump-19", "-d", "--mcpu=v4", object.toString()));
        } finally {
            Files.deleteIfExists(source);
            Files.deleteIfExists(object);
            Files.delete(folder);
        }
    }

    /** Disassembles the bytes of instructions. */
    static List<Line> disassemble(byte[] bytes, ByteOrder order) throws IOException, InterruptedException {
        List<String> directives = new ArrayList<>();
        for (byte b : bytes) {
            directives.add(".byte " + Byte.toUnsignedInt(b));
        }
        return assemble(directives, order);
    }

    private static List<Line> parse(String dump) {
        List<Line> lines = new ArrayList<>();
        for (String line : dump.lines().toList()) {
            String[] columns = line.split("\t", 3); // "      17:", bytes, text
            if (columns.length == 3) {
                byte[] bytes = HexFormat.ofDelimiter(" ").parseHex(columns[1].strip());
                // What a jump leads to is said by LLVM as a distance from a symbol that we do not have.
                lines.add(new Line(bytes, columns[2].replaceFirst(" <\\.text[^>]*>$", "")));
            }
        }
        return lines;
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Path errors = Files.createTempFile("turnstile-llvm", ".err");
        try {
            Process process =
                    new ProcessBuilder(command).redirectError(errors.toFile()).start();
            process.getOutputStream().close();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IOException(String.join(" ", command) + ": " + Files.readString(errors));
            }
            return output;
        } finally {
            Files.delete(errors);
        }
    }
}
