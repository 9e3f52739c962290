import { render } from 'preact';
import './app.css';
import { askForKeyAtFirst } from './api/key.ts';
import { App } from './app.tsx';

askForKeyAtFirst();
const root = document.querySelector('#app');
if (root !== null) render(<App />, root);
