package io.turnstile.bench;

import static io.turnstile.bpf.asm.Register.R1;
import static io.turnstile.bpf.asm.Register.R2;

import io.turnstile.bpf.BpfLink;
import io.turnstile.bpf.LoadedProgram;
import io.turnstile.bpf.ProgramType;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Helper;
import io.turnstile.bpf.asm.Program;
import io.turnstile.lab.Command;
import io.turnstile.lab.Host;
import java.io.IOException;
import java.net.NetworkInterface;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Sends all that one device receives out by the other in the kernel, and back, with nothing looked at and nothing
 * counted: what no switch can be faster than. Receive offload is on, as the switch has it on its ports.
 */
final class PlainRedirect implements AutoCloseable {
    private static final String LICENSE = "Apache-2.0";

    private final Deque<AutoCloseable> parts = new ArrayDeque<>();

    /** @param helper {@link Helper#REDIRECT}, or {@link Helper#REDIRECT_PEER} for veth devices alone */
    PlainRedirect(Host one, Host other, Helper helper) throws IOException {
        try {
            redirect(one, other, helper);
            redirect(other, one, helper);
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    private void redirect(Host from, Host to, Helper helper) throws IOException {
        Command.of("ethtool", "-K", from.device(), "gro", "on").run();
        Program program = new Assembler()
                .mov(R1, index(to))
                .mov(R2, 0)
                .call(helper)
                .exit()
                .assemble();
        LoadedProgram loaded = LoadedProgram.load(ProgramType.TC, "plain", LICENSE, program);
        parts.push(loaded);
        parts.push(BpfLink.tcxIngress(loaded, index(from)));
    }

    private static int index(Host host) throws IOException {
        return NetworkInterface.getByName(host.device()).getIndex();
    }

    @Override
    public void close() throws IOException {
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception e) {
                throw new IOException("ending the plain redirect", e);
            }
        }
    }
}
