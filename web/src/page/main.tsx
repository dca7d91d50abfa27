import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { storedToken } from '../client/gateway';
import '../style.css';
import './page.css';
import { PageHeader } from './PageHeader';
import { TokenForm } from './TokenForm';
import { usePageText } from './text';
import { takeTokenFromAddress } from './token';
import { VoiceAgentPage } from './VoiceAgentPage';

// Before the first render: nothing shows or sends the address with it.
takeTokenFromAddress();

const queries = new QueryClient();

function App() {
  const [login, setLogin] = useState(0);

  usePageText();

  // One person's answers must not greet the next.
  function changed() {
    queries.clear();
    setLogin((count) => count + 1);
  }

  if (storedToken() === null) {
    return (
      <>
        <PageHeader />
        <TokenForm problem={null} onToken={changed} />
      </>
    );
  }

  return <VoiceAgentPage key={login} onToken={changed} />;
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
