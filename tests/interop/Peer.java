// The WebSocket of Java's own HTTP client. It has no compression and serves nothing. Modes: see peers.py.

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;

public class Peer {
    static final int[] sizes = {0, 1, 125, 126, 65535, 65536, 1 << 20, 5_000_000};

    /** What comes, in one queue: messages, pongs, and the close frame or an error as a line. */
    static class Inbox implements WebSocket.Listener {
        final LinkedBlockingQueue<Object> all = new LinkedBlockingQueue<>();
        final StringBuilder text = new StringBuilder();
        ByteBuffer bytes = ByteBuffer.allocate(1 << 24);

        @Override public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
            text.append(part);
            if (last) {
                all.add(text.toString());
                text.setLength(0);
            }
            socket.request(1);
            return null;
        }
        @Override public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer part, boolean last) {
            bytes.put(part);
            if (last) {
                all.add(Arrays.copyOf(bytes.array(), bytes.position()));
                bytes.clear();
            }
            socket.request(1);
            return null;
        }
        @Override public CompletionStage<?> onPong(WebSocket socket, ByteBuffer payload) {
            all.add("pong " + StandardCharsets.UTF_8.decode(payload));
            socket.request(1);
            return null;
        }
        @Override public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            all.add("close " + code + " " + reason);
            return null;
        }
        @Override public void onError(WebSocket socket, Throwable error) { all.add("close without a frame: " + error); }
    }

    static byte[] content(boolean text, int size) {
        byte[] data = new byte[size];
        byte[] cycle = "warp and weft ".getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < size; ++i) data[i] = text ? cycle[i % 14] : (byte) (((long) i * i >> 7) + i);
        if (text && size >= 7) System.arraycopy("☕🧵".getBytes(StandardCharsets.UTF_8), 0, data, 0, 7);
        return data;
    }

    public static void main(String[] arguments) throws Exception {
        Inbox inbox = new Inbox();
        WebSocket socket = HttpClient.newHttpClient().newWebSocketBuilder().subprotocols("other", "chat")
            .buildAsync(URI.create(arguments[1]), inbox).join();
        if (arguments[0].equals("wait")) {
            System.out.println("open");
            if (arguments.length > 2) socket.sendBinary(ByteBuffer.wrap(content(false, Integer.parseInt(arguments[2]))), true);
            System.out.println(inbox.all.take());
            System.exit(0);
        }
        System.out.println("open " + socket.getSubprotocol());
        for (int size : sizes) {
            String text = new String(content(true, size), StandardCharsets.UTF_8);
            socket.sendText(text, true).join();
            System.out.println((inbox.all.take().equals(text) ? "text " : "changed text ") + size);
        }
        for (int size : sizes) {
            byte[] data = content(false, size);
            socket.sendBinary(ByteBuffer.wrap(data), true).join();
            boolean same = inbox.all.take() instanceof byte[] back && Arrays.equals(back, data);
            System.out.println((same ? "binary " : "changed binary ") + size);
        }
        String text = new String(content(true, 5_000_000), StandardCharsets.UTF_8);
        int piece = 100_000;
        for (int at = 0; at < text.length(); at += piece) {
            int end = Math.min(text.length(), at + piece);
            socket.sendText(text.substring(at, end), end == text.length()).join();
        }
        System.out.println("pieces text " + (inbox.all.take().equals(text) ? 5_000_000 : "changed"));
        socket.sendPing(ByteBuffer.wrap("are you there".getBytes(StandardCharsets.UTF_8))).join();
        System.out.println(inbox.all.take());
        socket.sendClose(4001, "bye").join();
        System.out.println(inbox.all.take());
        System.exit(0);
    }
}
